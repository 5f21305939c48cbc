-- Where each version was read, and what was redacted from versions that were published.

-- The document that a version was made from, and its line there (a table's row); null where it was made by hand or by the day.
ALTER TABLE record ADD COLUMN document text COLLATE "C";
ALTER TABLE record ADD COLUMN line integer;
-- Of a table: its sheet in a workbook, and its columns in their order, by which a cell is named.
ALTER TABLE document ADD COLUMN sheet text;
ALTER TABLE document ADD COLUMN columns text[];

-- The only rewrite: what a version was, and is after the redaction that its release tells of.
CREATE TABLE redaction (
    noun text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    release bigint NOT NULL REFERENCES release,
    fields text[] NOT NULL,
    sha256_before text COLLATE "C" NOT NULL,
    sha256_after text COLLATE "C" NOT NULL,
    PRIMARY KEY (noun, id, version, release),
    FOREIGN KEY (noun, id, version) REFERENCES record
);
CREATE INDEX redaction_release ON redaction (release);
