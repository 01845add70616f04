-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Step 1 of docs/postgresql.md, by an administrator of the server, connected to the new database:
--
--     CREATE DATABASE secrets TEMPLATE template0 ENCODING 'UTF8';
--
-- Two roles: one owns the tables and upgrades them, one is what runs use. Give both a way to log in, for example
-- with \password in psql, which sends no password in clear. They belong to all databases of a server, so they serve one
-- store of it: `scoped.secrets.store_database` refuses a second.

DO $$
DECLARE
    one record;
BEGIN
    -- Several control nodes may do this at once.
    PERFORM pg_advisory_xact_lock(hashtext('scoped_secrets'));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scoped_secrets_owner') THEN
        CREATE ROLE scoped_secrets_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scoped_secrets_app') THEN
        CREATE ROLE scoped_secrets_app LOGIN;
    END IF;
    -- Neither is anything but a login. Only what differs is changed, because a superuser's right takes a superuser.
    FOR one IN SELECT * FROM pg_roles WHERE rolname IN ('scoped_secrets_owner', 'scoped_secrets_app') LOOP
        IF one.rolsuper THEN
            EXECUTE format('ALTER ROLE %I NOSUPERUSER', one.rolname);
        END IF;
        IF one.rolbypassrls THEN
            EXECUTE format('ALTER ROLE %I NOBYPASSRLS', one.rolname);
        END IF;
        IF one.rolreplication THEN
            EXECUTE format('ALTER ROLE %I NOREPLICATION', one.rolname);
        END IF;
        IF one.rolcreaterole OR one.rolcreatedb OR NOT one.rolcanlogin THEN
            EXECUTE format('ALTER ROLE %I LOGIN NOCREATEROLE NOCREATEDB', one.rolname);
        END IF;
    END LOOP;
    -- Nor do they have what other roles may do, or others what they may do. Administrators of the server could take that
    -- at any time.
    FOR one IN
        SELECT role.rolname AS role, member.rolname AS member, pg_get_userbyid(grantor) AS grantor
        FROM pg_auth_members
        JOIN pg_roles AS role ON role.oid = roleid
        JOIN pg_roles AS member ON member.oid = pg_auth_members.member
        WHERE member.rolname IN ('scoped_secrets_owner', 'scoped_secrets_app')
            OR role.rolname IN ('scoped_secrets_owner', 'scoped_secrets_app')
            AND NOT (member.rolsuper OR member.rolcreaterole OR member.rolname = current_user)
    LOOP
        IF current_setting('server_version_num')::int < 160000 THEN
            EXECUTE format('REVOKE %I FROM %I CASCADE', one.role, one.member);
        ELSE
            EXECUTE format('REVOKE %I FROM %I GRANTED BY %I CASCADE', one.role, one.member, one.grantor);
        END IF;
    END LOOP;
    -- Who is no superuser can make the schema for a role that they belong to.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT scoped_secrets_owner TO %I', current_user);
    END IF;
    -- A temporary table of the same name would stand before ours in a session that a pooler shares.
    EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'REVOKE ALL ON DATABASE %I FROM scoped_secrets_owner, scoped_secrets_app CASCADE', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO scoped_secrets_owner, scoped_secrets_app', current_database());
    -- A setting for this database would stand before the role's own, below.
    EXECUTE format('ALTER ROLE scoped_secrets_owner IN DATABASE %I RESET ALL', current_database());
    EXECUTE format('ALTER ROLE scoped_secrets_app IN DATABASE %I RESET ALL', current_database());
END
$$;
CREATE SCHEMA IF NOT EXISTS scoped_secrets AUTHORIZATION scoped_secrets_owner;
ALTER SCHEMA scoped_secrets OWNER TO scoped_secrets_owner;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = 'scoped_secrets'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
            AND relowner <> 'scoped_secrets_owner'::regrole
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO scoped_secrets_owner', one.name);
    END LOOP;
    FOR one IN
        SELECT oid::regprocedure AS name FROM pg_proc
        WHERE pronamespace = 'scoped_secrets'::regnamespace AND proowner <> 'scoped_secrets_owner'::regrole
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO scoped_secrets_owner', one.name);
    END LOOP;
    FOR one IN
        SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee
        FROM pg_namespace, aclexplode(nspacl)
        WHERE nspname = 'scoped_secrets' AND grantee <> nspowner
    LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA scoped_secrets FROM %s CASCADE', one.grantee);
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA scoped_secrets TO scoped_secrets_app;
ALTER ROLE scoped_secrets_owner SET search_path = scoped_secrets, pg_temp;
ALTER ROLE scoped_secrets_app SET search_path = scoped_secrets, pg_temp;
-- With 'off', what policies hide is an error.
ALTER ROLE scoped_secrets_owner RESET row_security;
ALTER ROLE scoped_secrets_app RESET row_security;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
