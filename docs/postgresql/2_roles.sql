-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Step 3 of docs/postgresql.md, by scoped_secrets_owner, once the tables are there, and again after an upgrade.
--
-- Every transaction of the collection announces whose rows it is about, with SET LOCAL scoped_secrets.scope: 'account',
-- 'account/ORG' or 'account/ORG/PROJECT'. It sees the rows of that scope, of those above it and of those below it;
-- without an announcement none. The keys of the scopes are the first line of defence: what is read here is sealed.

BEGIN;
SET LOCAL search_path = scoped_secrets, pg_temp;

-- Whatever was granted by hand goes first, to whomever, and all policies.
DO $$
DECLARE
    one record;
BEGIN
    -- Several control nodes may do this at once.
    PERFORM pg_advisory_xact_lock(hashtext('scoped_secrets'));
    FOR one IN
        SELECT DISTINCT relname, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee
        FROM (
            SELECT relname, relowner, (aclexplode(relacl)).grantee AS grantee
            FROM pg_class WHERE relnamespace = 'scoped_secrets'::regnamespace
            UNION
            SELECT relname, relowner, (aclexplode(attacl)).grantee AS grantee
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
            WHERE relnamespace = 'scoped_secrets'::regnamespace
        ) AS granted
        WHERE grantee <> relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %s CASCADE', one.relname, one.grantee);
    END LOOP;
    FOR one IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'scoped_secrets' LOOP
        EXECUTE format('DROP POLICY %I ON %I', one.policyname, one.tablename);
    END LOOP;
    FOR one IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'scoped_secrets'::regnamespace LOOP
        EXECUTE format('DROP ROUTINE %s', one.name);
    END LOOP;
    FOR one IN
        SELECT relname FROM pg_class WHERE relnamespace = 'scoped_secrets'::regnamespace AND relforcerowsecurity
    LOOP
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', one.relname);
    END LOOP;
    -- Rights that tables to come would be made with.
    FOR one IN
        SELECT nspname, pg_get_userbyid(grantee) AS grantee, CASE defaclobjtype WHEN 'r' THEN 'TABLES'
            WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END AS objects
        FROM pg_default_acl LEFT JOIN pg_namespace ON pg_namespace.oid = defaclnamespace, aclexplode(defaclacl)
        WHERE defaclrole = current_user::regrole AND grantee NOT IN (0, defaclrole)
    LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES %s REVOKE ALL ON %s FROM %I',
            CASE WHEN one.nspname IS NULL THEN '' ELSE format('IN SCHEMA %I', one.nspname) END, one.objects, one.grantee);
    END LOOP;
END
$$;

GRANT SELECT, UPDATE (revision, writers, root_key_id, kdf) ON store TO scoped_secrets_app;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON scope, scope_key, connector, default_manager, secret, secret_version, secret_index, secret_share, secret_reference, intent,
    scope_child, scope_index TO scoped_secrets_app;
-- What was recorded stays as it is: only the owner archives.
GRANT SELECT, INSERT ON audit_event TO scoped_secrets_app;
GRANT SELECT, INSERT, UPDATE (sequence, key_generation, link, closed_by, verified, verified_link, tag)
    ON audit_head TO scoped_secrets_app;

-- The path of a scope, whether the caller may see it or not: a function of the owner, to whom no policy applies.
CREATE OR REPLACE FUNCTION scope_path(scope_level text, scope_identifier text, scope_parent text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = scoped_secrets, pg_temp AS $$
    SELECT CASE scope_level
        WHEN 'account' THEN 'account'
        WHEN 'org' THEN 'account/' || scope_identifier
        ELSE 'account/' || (SELECT identifier FROM scope WHERE id = scope_parent) || '/' || scope_identifier
    END
$$;

CREATE OR REPLACE FUNCTION scope_is_seen(path text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(announced <> '' AND (starts_with(announced || '/', path || '/')
        OR starts_with(path || '/', announced || '/')), false)
    FROM (SELECT current_setting('scoped_secrets.scope', true) AS announced) AS session
$$;

CREATE OR REPLACE FUNCTION scope_is_within(path text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(announced <> '' AND starts_with(path || '/', announced || '/'), false)
    FROM (SELECT current_setting('scoped_secrets.scope', true) AS announced) AS session
$$;

ALTER TABLE scope ENABLE ROW LEVEL SECURITY;
ALTER TABLE scope_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE connector ENABLE ROW LEVEL SECURITY;
ALTER TABLE default_manager ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret_index ENABLE ROW LEVEL SECURITY;
ALTER TABLE scope_child ENABLE ROW LEVEL SECURITY;
ALTER TABLE scope_index ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret_share ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret_reference ENABLE ROW LEVEL SECURITY;
ALTER TABLE intent ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_head ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;

CREATE POLICY by_scope ON scope TO scoped_secrets_app
    USING (scope_is_seen(scope_path(level, identifier, parent_id)));
-- What the others belong to is looked for among what the caller sees.
CREATE POLICY by_scope ON scope_key TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = scope_key.scope_id));
CREATE POLICY by_scope ON connector TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = connector.scope_id));
CREATE POLICY by_scope ON intent TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = intent.scope_id));
CREATE POLICY by_scope ON default_manager TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = default_manager.scope_id));
CREATE POLICY by_scope ON secret TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = secret.scope_id));
CREATE POLICY by_scope ON secret_version TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM secret WHERE secret.id = secret_version.secret_id));
CREATE POLICY by_scope ON secret_index TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = secret_index.scope_id));
-- The index of the scopes below a scope belongs to that one: who works in a scope proves it with the scopes above.
CREATE POLICY by_scope ON scope_child TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = scope_child.scope_id));
CREATE POLICY by_scope ON scope_index TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = scope_index.scope_id));
-- A share belongs to the scope that was given it.
CREATE POLICY by_scope ON secret_share TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM scope WHERE scope.id = secret_share.scope_id));
-- Who uses a secret of a higher scope is the user's own affair.
CREATE POLICY by_scope ON secret_reference TO scoped_secrets_app
    USING (EXISTS (SELECT 1 FROM connector WHERE user_kind = 'connector' AND connector.id = user_id)
        OR EXISTS (SELECT 1 FROM secret WHERE user_kind = 'secret' AND secret.id = user_id));
-- Records outlive their scopes, and who works in one does not see what was done above it.
CREATE POLICY by_scope ON audit_head TO scoped_secrets_app USING (scope_is_within(scope));
CREATE POLICY by_scope ON audit_event TO scoped_secrets_app USING (scope_is_within(scope));

COMMIT;
