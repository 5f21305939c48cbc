-- Where this history lives and in which shape its records are, so that a copy restored elsewhere, and a newer program, are noticed.

-- System identifier of the cluster and oid of the database: a dump that was restored has another.
ALTER TABLE dataset ADD COLUMN home text;
-- The shape (records.SHAPE) that every live record has.
ALTER TABLE dataset ADD COLUMN shape integer NOT NULL DEFAULT 1;
-- The release since which they have it: the CSV lines of older rows have fewer columns.
ALTER TABLE dataset ADD COLUMN shaped_in bigint NOT NULL DEFAULT 0;
