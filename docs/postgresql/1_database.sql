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
    -- Nor do they have what other roles may do.
    FOR one IN
        SELECT role.rolname AS role, member.rolname AS member
        FROM pg_auth_members
        JOIN pg_roles AS role ON role.oid = roleid
        JOIN pg_roles AS member ON member.oid = pg_auth_members.member
        WHERE member.rolname IN ('scoped_secrets_owner', 'scoped_secrets_app')
    LOOP
        EXECUTE format('REVOKE %I FROM %I', one.role, one.member);
    END LOOP;
    -- A temporary table of the same name would stand before ours in a session that a pooler shares.
    EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'REVOKE CREATE, TEMPORARY ON DATABASE %I FROM scoped_secrets_owner, scoped_secrets_app', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO scoped_secrets_owner, scoped_secrets_app', current_database());
END
$$;
CREATE SCHEMA IF NOT EXISTS scoped_secrets AUTHORIZATION scoped_secrets_owner;
REVOKE ALL ON SCHEMA scoped_secrets FROM PUBLIC, scoped_secrets_app;
GRANT USAGE ON SCHEMA scoped_secrets TO scoped_secrets_app;
ALTER ROLE scoped_secrets_owner SET search_path = scoped_secrets, pg_temp;
ALTER ROLE scoped_secrets_app SET search_path = scoped_secrets, pg_temp;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
