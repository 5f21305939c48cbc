-- Three accounts, each with no more rights than its work needs. Run it as a superuser in the program's database, at first before
-- `ogp-open-data migrate`, and again after each migration and after `recover`; it may run any number of times:
--
--     psql --dbname=ogp --file=deploy/roles.sql
--     psql --dbname=ogp --command='\password ogp_publisher'
--
-- ogp_owner       owns the tables: `migrate`, `keys`, `webhooks`, `redact`, `backup`, `recover`. No program that serves has it.
-- ogp_publisher   OGP_DATABASE_URL of `serve`, `import` and corrections: adds releases, and cannot change one that was made.
-- ogp_reader      OGP_DATABASE_READ_URL, and whoever wants to query: reads what is published, no keys, no documents, no trail.

DO $$
DECLARE
    account text;
    object record;
BEGIN
    FOREACH account IN ARRAY ARRAY['ogp_owner', 'ogp_publisher', 'ogp_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = account) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', account);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), account);
    END LOOP;
    -- By default everybody may connect and make temporary tables.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('ALTER DATABASE %I OWNER TO ogp_owner', current_database());
    EXECUTE 'ALTER SCHEMA public OWNER TO ogp_owner';
    FOR object IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE public.%I OWNER TO ogp_owner', object.tablename);
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ogp_publisher, ogp_reader;

-- What a later migration makes can be used at once; the lines below, run again, leave of it what is needed.
ALTER DEFAULT PRIVILEGES FOR ROLE ogp_owner IN SCHEMA public GRANT SELECT ON TABLES TO ogp_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE ogp_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ogp_publisher;

DO $$
DECLARE
    given record;
BEGIN
    FOR given IN SELECT * FROM (VALUES
        -- What is published. A lock on `dataset` needs the right to change a column of it.
        ('dataset', 'SELECT, UPDATE (shape, shaped_in)', true),
        ('release', 'SELECT, INSERT', true),
        ('record', 'SELECT, INSERT, UPDATE (until_release)', true),
        ('fact', 'SELECT, INSERT, UPDATE (doc, release)', true),
        ('document', 'SELECT, INSERT, UPDATE (release, reports)', true),
        ('redaction', 'SELECT', true),
        ('tally', 'SELECT, INSERT, UPDATE (live)', true),
        ('tally_at', 'SELECT, INSERT', true),
        ('migration', 'SELECT', true),
        -- What is nobody else's: hashes of keys, documents that wait, answers, who did what, secrets of receivers.
        ('api_key', 'SELECT, UPDATE (last_used_at)', false),
        ('pending_import', 'SELECT, INSERT, UPDATE, DELETE', false),
        ('replay', 'SELECT, INSERT, UPDATE, DELETE', false),
        ('audit', 'SELECT (at, actor, action, refused), INSERT, DELETE', false),
        ('receiver', 'SELECT, INSERT, UPDATE, DELETE', false)
    ) AS rights(name, publisher, readable) WHERE to_regclass('public.' || name) IS NOT NULL LOOP
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, ogp_publisher, ogp_reader', given.name);
        EXECUTE format('GRANT %s ON public.%I TO ogp_publisher', given.publisher, given.name);
        IF given.readable THEN
            EXECUTE format('GRANT SELECT ON public.%I TO ogp_reader', given.name);
        END IF;
    END LOOP;
    -- Of the trail it sees what changed nothing (plans and refusals), to keep no more of it than it should, and lets that go when it
    -- is old. What was done stays, whoever has its account. For everybody, as only the publisher has rights to it: a policy that
    -- names an account could not be brought back by `recover` where there is none of that name.
    IF to_regclass('public.audit') IS NOT NULL THEN
        ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
        DROP POLICY IF EXISTS added ON audit;
        DROP POLICY IF EXISTS counted ON audit;
        DROP POLICY IF EXISTS forgotten ON audit;
        CREATE POLICY added ON audit FOR INSERT WITH CHECK (true);
        CREATE POLICY counted ON audit FOR SELECT USING (refused IS NOT NULL OR action = 'plan');
        CREATE POLICY forgotten ON audit FOR DELETE
            USING ((refused IS NOT NULL OR action = 'plan') AND at < now() - interval '89 days');
    END IF;
END $$;
