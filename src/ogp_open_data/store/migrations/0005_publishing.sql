-- Publishing over HTTP: keys, imports that wait to be applied, answers kept for a repeated request, and who did what.

CREATE TABLE api_key (
    -- The part of the key that may be shown and logged; the rest is known to its holder alone.
    prefix text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    sha256 text COLLATE "C" NOT NULL,
    -- Empty: all organisations.
    organisations text[] NOT NULL,
    actions text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);
-- A key that replaces a revoked one may have its name.
CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE revoked_at IS NULL;

CREATE TABLE pending_import (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key text COLLATE "C" NOT NULL REFERENCES api_key,
    made_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    -- The release that was looked at: what was published later refuses the plan where it rests on it.
    head bigint NOT NULL,
    -- What was handed in beside the bytes, as JSON; the bytes go when the import is applied or expires.
    said text NOT NULL,
    body bytea,
    -- What was answered when it was planned, and when it was applied, as JSON.
    planned text NOT NULL,
    applied text
);
CREATE INDEX pending_import_of_key ON pending_import (key, made_at);
CREATE INDEX pending_import_expires ON pending_import (expires_at);

CREATE TABLE replay (
    key text COLLATE "C" NOT NULL REFERENCES api_key,
    idempotency_key text COLLATE "C" NOT NULL,
    -- Digest of method, address and body: the same key with another request is a mistake.
    request text COLLATE "C" NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    -- Null while the first request is under way.
    status integer,
    headers text,
    body bytea,
    PRIMARY KEY (key, idempotency_key)
);
CREATE INDEX replay_made ON replay (made_at);

CREATE TABLE audit (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    address text,
    action text NOT NULL,
    subject text,
    detail text,
    release bigint REFERENCES release,
    -- The code of the error, where it was refused.
    refused text
);
CREATE INDEX audit_at ON audit (at);
