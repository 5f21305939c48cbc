-- Who is told of each release. The releases themselves are the outbox, so there is no queue that could lose or double one.

CREATE TABLE receiver (
    url text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('webhook', 'hub')),
    -- Signs what is sent; it has to be known to sign, so it cannot be hashed.
    secret text CHECK ((secret IS NOT NULL) = (kind = 'webhook')),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- The last release that it has.
    told bigint NOT NULL,
    told_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    last_failure text,
    -- When to try next; in the future too while a process has it in hand.
    due_at timestamptz NOT NULL DEFAULT now(),
    -- Given up: what it has not got waits until somebody resumes it.
    ended_at timestamptz
);
