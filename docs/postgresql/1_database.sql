-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Step 1 of docs/postgresql.md, by an administrator of the server, connected to the new database:
--
--     CREATE DATABASE secrets TEMPLATE template0 ENCODING 'UTF8';
--
-- Two roles: one owns the tables and upgrades them, one is what runs use. Give both a way to log in, for example
-- with \password in psql, which sends no password in clear.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scoped_secrets_owner') THEN
        CREATE ROLE scoped_secrets_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scoped_secrets_app') THEN
        CREATE ROLE scoped_secrets_app LOGIN;
    END IF;
END
$$;
CREATE SCHEMA IF NOT EXISTS scoped_secrets AUTHORIZATION scoped_secrets_owner;
GRANT USAGE ON SCHEMA scoped_secrets TO scoped_secrets_app;
ALTER ROLE scoped_secrets_owner SET search_path = scoped_secrets;
ALTER ROLE scoped_secrets_app SET search_path = scoped_secrets;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
