-- The digests of a release are made of every record's id and digest in the order of ids. The key has that order; with what else is
-- needed beside it, neither the records nor a sort is: 0.2 s in place of 1.5 s for 100,000 records, at 76 bytes each.

CREATE UNIQUE INDEX record_told ON record (noun, id, version) INCLUDE (plan, from_release, until_release, sha256);
ALTER TABLE redaction DROP CONSTRAINT redaction_noun_id_version_fkey;
ALTER TABLE record DROP CONSTRAINT record_pkey;
ALTER TABLE record ADD CONSTRAINT record_pkey PRIMARY KEY USING INDEX record_told;
ALTER TABLE redaction ADD FOREIGN KEY (noun, id, version) REFERENCES record;
