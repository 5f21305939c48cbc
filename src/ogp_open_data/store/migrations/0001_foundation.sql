-- The dataset is a sequence of releases; a row of `record` says from which release until which it held.

CREATE TABLE dataset (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Another epoch is another history: cursors of one mean nothing in the other.
    epoch uuid NOT NULL DEFAULT gen_random_uuid(),
    -- Authority and date of every tag: URI (RFC 4151); once feeds are read they may never change.
    tag_authority text NOT NULL,
    tag_on date NOT NULL
);

CREATE TABLE release (
    number bigint PRIMARY KEY CHECK (number >= 1),
    made_at timestamptz NOT NULL CHECK (made_at BETWEEN '2000-01-01' AND '2200-01-01'),
    cause text NOT NULL,
    message text,
    source text,
    -- How many rows begin in it, so that a page of changes can be cut between releases without reading them.
    changed integer NOT NULL DEFAULT 0,
    -- Live records per noun after this release, as JSON: exact totals without counting.
    counts text NOT NULL
);

CREATE TABLE record (
    noun text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL CHECK (id ~ '^[a-z0-9-]+$'),
    version integer NOT NULL CHECK (version >= 1),
    from_release bigint NOT NULL REFERENCES release,
    until_release bigint CHECK (until_release > from_release),
    change_kind text NOT NULL,
    changed_fields text[] NOT NULL,
    reason text,
    -- In a tombstone: the record that took its place.
    successor text COLLATE "C",
    -- Canonical JSON as served and hashed; null in a tombstone.
    doc text,
    sha256 text COLLATE "C" CHECK ((sha256 IS NULL) = (doc IS NULL)),
    csv text CHECK ((csv IS NULL) = (doc IS NULL)),
    -- From here on: what lists are filtered and ordered by.
    plan text COLLATE "C",
    commitment text COLLATE "C",
    report text COLLATE "C",
    milestone text COLLATE "C",
    organisations text[] NOT NULL,
    status text COLLATE "C",
    timeliness text COLLATE "C",
    period_end date CHECK (period_end BETWEEN '1900-01-01' AND '2200-01-01'),
    due_on date CHECK (due_on BETWEEN '1900-01-01' AND '2200-01-01'),
    sort_key text COLLATE "C" NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (noun, id, version)
);

-- An id lives once, whatever its noun.
CREATE UNIQUE INDEX record_live ON record (id) WHERE until_release IS NULL;
CREATE INDEX record_sort ON record (noun, sort_key, from_release);
CREATE INDEX record_from ON record (from_release, noun, sort_key);
CREATE INDEX record_of_plan ON record (plan, noun, sort_key);
CREATE INDEX record_of_commitment ON record (commitment, noun, sort_key);
CREATE INDEX record_of_report ON record (report) WHERE report IS NOT NULL;
CREATE INDEX record_of_milestone ON record (milestone) WHERE milestone IS NOT NULL;
CREATE INDEX record_status ON record (noun, status, sort_key) WHERE status IS NOT NULL;
CREATE INDEX record_timeliness ON record (noun, timeliness, sort_key) WHERE timeliness IS NOT NULL;
CREATE INDEX record_period ON record (noun, period_end, sort_key) WHERE period_end IS NOT NULL;
CREATE INDEX record_by_period ON record (noun, coalesce(period_end, 'infinity'), sort_key);
CREATE INDEX record_by_due ON record (noun, coalesce(due_on, 'infinity'), sort_key);
CREATE INDEX record_release ON record (noun, from_release, sort_key);
CREATE INDEX record_organisations ON record USING gin (organisations);
CREATE INDEX record_words ON record USING gin (words);

-- What plans themselves say of a commitment or milestone, as a record without reports: the ground that the published record is
-- derived from again whenever a report comes, changes or goes.
CREATE TABLE fact (
    id text COLLATE "C" PRIMARY KEY,
    noun text COLLATE "C" NOT NULL,
    plan text COLLATE "C" NOT NULL,
    commitment text COLLATE "C" NOT NULL,
    doc text NOT NULL,
    release bigint NOT NULL REFERENCES release
);
CREATE INDEX fact_of_commitment ON fact (commitment);

-- Documents that made a release, so that the same bytes again are seen at once.
CREATE TABLE document (
    sha256 text COLLATE "C" PRIMARY KEY,
    name text,
    media_type text NOT NULL,
    bytes bigint NOT NULL,
    release bigint NOT NULL REFERENCES release,
    reports text[] NOT NULL
);
