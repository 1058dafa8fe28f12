-- The mass-change guard. Statements say in `changing` what they did, the transaction's end adds it up (`mass_change_end`),
-- refuses or lets it be, and says in `changed` what counts for the window. Writers have no right to any of it: the
-- functions that write here run as their owner, read nothing but catalog and these tables, and call nothing that a user made.

-- What the transactions that are running did: a row a statement, gone when its transaction ends, either way.
CREATE UNLOGGED TABLE IF NOT EXISTS interlock.changing (
  xid xid8 NOT NULL, relation oid NOT NULL, leads boolean NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(),
  gone bigint NOT NULL, came bigint NOT NULL, changed bigint NOT NULL,
  size float8, wide float8, name text, share float8, free float8, span interval);
CREATE INDEX IF NOT EXISTS changing_xid ON interlock.changing (xid, relation);

-- What counts for the window, and what of each session is too little yet to be said there.
CREATE TABLE IF NOT EXISTS interlock.changed (
  relation regclass NOT NULL, at timestamptz NOT NULL, lost bigint NOT NULL, changed bigint NOT NULL, size float8 NOT NULL);
CREATE INDEX IF NOT EXISTS changed_at ON interlock.changed (relation, at);
ALTER TABLE interlock.changed ENABLE ROW LEVEL SECURITY;
CREATE TABLE IF NOT EXISTS interlock.tally (
  relation regclass NOT NULL, pid int NOT NULL, lost bigint NOT NULL, step float8 NOT NULL) WITH (fillfactor = 50);
CREATE INDEX IF NOT EXISTS tally_pid ON interlock.tally (relation, pid);

CREATE TABLE IF NOT EXISTS interlock.approval (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  relation regclass NOT NULL, rows bigint NOT NULL CHECK (rows > 0),
  reason text NOT NULL CHECK (reason <> ''), who text NOT NULL CHECK (who <> ''),
  role name NOT NULL DEFAULT current_user, at timestamptz NOT NULL DEFAULT now(), until timestamptz NOT NULL,
  used_at timestamptz, used_by name, used_rows bigint,
  CHECK (until > at AND until <= at + interval '30 days'));
ALTER TABLE interlock.approval ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS interlock.kept (
  relation regclass NOT NULL, xid xid8 NOT NULL, at timestamptz NOT NULL, until timestamptz NOT NULL,
  role name NOT NULL, cells jsonb NOT NULL);
CREATE INDEX IF NOT EXISTS kept_at ON interlock.kept (relation, at);
CREATE INDEX IF NOT EXISTS kept_until ON interlock.kept (until);
ALTER TABLE interlock.kept ENABLE ROW LEVEL SECURITY;

DO $policies$
DECLARE
  p record;
BEGIN
  FOR p IN SELECT polname, relname FROM pg_policy JOIN pg_class c ON c.oid = polrelid
           WHERE relnamespace = 'interlock'::regnamespace AND relname IN ('changed', 'approval', 'kept') LOOP
    EXECUTE format('DROP POLICY %I ON interlock.%I', p.polname, p.relname);
  END LOOP;
END $policies$;
CREATE POLICY owner_reads ON interlock.changed FOR SELECT
  USING (pg_has_role(current_user, (SELECT relowner FROM pg_class c WHERE c.oid = relation), 'MEMBER'));
CREATE POLICY owner_reads ON interlock.approval FOR SELECT
  USING (pg_has_role(current_user, (SELECT relowner FROM pg_class c WHERE c.oid = relation), 'MEMBER'));
CREATE POLICY owner_grants ON interlock.approval FOR INSERT
  WITH CHECK (pg_has_role(current_user, (SELECT relowner FROM pg_class c WHERE c.oid = relation), 'MEMBER'));
CREATE POLICY owner ON interlock.kept
  USING (pg_has_role(current_user, (SELECT relowner FROM pg_class c WHERE c.oid = relation), 'MEMBER'));
GRANT SELECT ON interlock.changed TO PUBLIC;
GRANT SELECT, INSERT (relation, rows, reason, who, until) ON interlock.approval TO PUBLIC;
GRANT SELECT, DELETE ON interlock.kept TO PUBLIC;

-- The last sixteen refusals, three numbers each. A sequence is the one thing in PostgreSQL that a rollback leaves as it is.
CREATE SEQUENCE IF NOT EXISTS interlock.attempt;
GRANT SELECT ON interlock.attempt TO PUBLIC;
DO $ring$ BEGIN
  FOR slot IN 0..47 LOOP
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS interlock.attempt_%s MINVALUE 0', slot);
    EXECUTE format('GRANT SELECT ON interlock.attempt_%s TO PUBLIC', slot);
  END LOOP;
END $ring$;

-- About how many committed rows a relation has with all its partitions. When it was last analyzed is right of then; rows
-- that came since are in the statistics, which may be late, doubled or lost, and on pages, which may be full of dead rows:
-- the lesser of both. Where it never was analyzed: the statistics, else pages of rows of `wide` bytes.
CREATE OR REPLACE FUNCTION interlock.rows_about(relation oid, wide float8) RETURNS float8
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $rows_about$
DECLARE
  block float8 := current_setting('block_size');
BEGIN
  RETURN (
    SELECT coalesce(sum(CASE
      WHEN c.reltuples > 0 AND live <= c.reltuples THEN c.reltuples
      WHEN c.reltuples > 0 THEN greatest(
        c.reltuples, least(live, c.reltuples * pg_relation_size(c.oid) / block / greatest(c.relpages, 1)))
      WHEN live > 0 THEN live
      ELSE pg_relation_size(c.oid) / (wide + 4) END), 0)
    FROM (SELECT relation UNION SELECT relid FROM pg_partition_tree(relation)) t (oid) JOIN pg_class c USING (oid)
      CROSS JOIN LATERAL pg_stat_get_live_tuples(c.oid) live
    WHERE c.relkind = 'r');
END $rows_about$;

-- After each statement: what it did. Arguments: the table's name, the share and the rows that may go, the window,
-- 'root' or 'partition', and of the root a digest of its partitions.
CREATE OR REPLACE FUNCTION interlock.mass_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $mass_change$
DECLARE
  root oid := coalesce(pg_partition_root(TG_RELID), TG_RELID);
  own_xid xid8;
  gone bigint := 0;
  came bigint := 0;
  changed bigint := 0;
  size float8;
  wide float8;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT count(*) INTO came FROM new_rows;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT count(*) INTO gone FROM old_rows;
  ELSIF TG_OP = 'UPDATE' THEN
    SELECT count(*) INTO changed FROM old_rows;
    IF changed = 1 THEN
      SELECT count(*) INTO changed FROM old_rows o, new_rows n WHERE o OPERATOR(pg_catalog.*<>) n;
    ELSIF changed > 1 THEN  -- both hold the rows in the order in which they were changed
      SELECT count(*) INTO changed
      FROM (SELECT row_number() OVER () AS i, o AS r FROM old_rows o) o
      JOIN (SELECT row_number() OVER () AS i, n AS r FROM new_rows n) n USING (i)
      WHERE o.r OPERATOR(pg_catalog.*<>) n.r;
    END IF;
  ELSIF EXISTS (SELECT FROM pg_class WHERE oid = TG_RELID AND relkind = 'p') THEN
    -- TRUNCATE comes to each partition with a trigger by itself
    SELECT coalesce(sum(interlock.rows_about(p.relid, 100)), 0) INTO gone
    FROM pg_partition_tree(TG_RELID) p
    WHERE p.isleaf AND NOT EXISTS (SELECT FROM pg_trigger t JOIN pg_trigger mine ON mine.tgfoid = t.tgfoid
                                   WHERE t.tgrelid = p.relid AND mine.tgrelid = TG_RELID AND mine.tgname = TG_NAME
                                   AND t.tgtype & 32 <> 0);
  ELSE
    gone := interlock.rows_about(TG_RELID, 100);
  END IF;
  IF gone + came + changed = 0 THEN
    RETURN NULL;
  END IF;
  own_xid := pg_current_xact_id();
  IF TG_OP = 'TRUNCATE' THEN
    size := interlock.rows_about(root, 100);
  ELSIF gone + came + changed >= TG_ARGV[2]::bigint / 10 THEN  -- should nothing be known of the table's size
    IF TG_OP = 'INSERT' THEN
      SELECT avg(pg_column_size(r)) INTO wide FROM (SELECT r FROM new_rows r LIMIT 100) s;
    ELSE
      SELECT avg(pg_column_size(r)) INTO wide FROM (SELECT r FROM old_rows r LIMIT 100) s;
    END IF;
  END IF;
  INSERT INTO interlock.changing (xid, relation, leads, gone, came, changed, size, wide, name, share, free, span)
  SELECT own_xid, root, NOT EXISTS (SELECT FROM interlock.changing c
                                    WHERE c.xid = own_xid AND c.relation = root AND c.leads),
         gone, came, changed, size, wide, TG_ARGV[0], TG_ARGV[1]::float8, TG_ARGV[2]::float8, TG_ARGV[3]::interval;
  RETURN NULL;
END $mass_change$;

-- At the transaction's end (or when it sets constraints immediate, and then again): all it did to one relation.
CREATE OR REPLACE FUNCTION interlock.mass_change_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $mass_change_end$
<<mass_change_end>>
DECLARE
  gone bigint;
  came bigint;
  changed bigint;
  lost bigint;
  size float8;
  wide float8;
  total bigint;
  since timestamptz;
  past_lost bigint;
  past_changed bigint;
  allowed float8;
  own tid;
  step float8;
  within boolean := false;
  counted bigint;
  of_rows float8;
  granted bigint;
  n bigint;
BEGIN
  WITH mine AS (DELETE FROM interlock.changing c WHERE c.xid = NEW.xid AND c.relation = NEW.relation RETURNING c.*)
  SELECT sum(m.gone), sum(m.came), sum(m.changed), max(m.size), avg(m.wide) INTO gone, came, changed, size, wide FROM mine m;
  IF gone IS NULL THEN
    RETURN NULL;
  END IF;
  -- rows that came may stand for rows that went; and what came may be changed until the end
  lost := gone - came;
  changed := greatest(changed - came, 0);
  counted := greatest(lost, 0) + changed;
  IF counted < NEW.free / 10 THEN  -- as most are: a little, which is added up by session
    UPDATE interlock.tally t SET lost = t.lost + mass_change_end.lost
    WHERE t.ctid = (SELECT o.ctid FROM interlock.tally o WHERE o.relation = NEW.relation AND o.pid = pg_backend_pid()
                    LIMIT 1 FOR UPDATE SKIP LOCKED)
    AND abs(t.lost + mass_change_end.lost) < t.step;
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  size := greatest(coalesce(size, interlock.rows_about(NEW.relation, coalesce(wide, 100))), 1);
  of_rows := size;
  allowed := greatest(NEW.free, NEW.share * size);
  IF counted <= allowed THEN
    step := greatest(NEW.free / 10, allowed / 100);
    IF changed < greatest(size / 100, NEW.free / 10) THEN
      changed := 0;  -- what goes on all day is no mass change
    END IF;
    SELECT t.ctid, t.lost INTO own, total FROM interlock.tally t
    WHERE t.relation = NEW.relation AND t.pid = pg_backend_pid() LIMIT 1 FOR UPDATE SKIP LOCKED;
    total := coalesce(total, 0) + lost;
    IF own IS NOT NULL AND changed = 0 AND abs(total) < step THEN
      UPDATE interlock.tally t SET lost = total, step = mass_change_end.step WHERE t.ctid = own;
      RETURN NULL;
    END IF;
    IF own IS NULL THEN
      INSERT INTO interlock.tally VALUES (NEW.relation, pg_backend_pid(), 0, step);
    ELSE
      UPDATE interlock.tally t SET lost = 0, step = mass_change_end.step WHERE t.ctid = own;
    END IF;
    IF current_setting('transaction_isolation') = 'read committed' THEN  -- elsewhere another's tidying would be an error
      DELETE FROM interlock.changed c WHERE c.ctid = ANY (ARRAY(
        SELECT o.ctid FROM interlock.changed o
        WHERE o.relation = NEW.relation AND o.at < clock_timestamp() - NEW.span LIMIT 100 FOR UPDATE SKIP LOCKED));
    END IF;
    since := greatest(clock_timestamp() - NEW.span,  -- an approval begins the window anew
                      (SELECT max(a.used_at) FROM interlock.approval a WHERE a.relation = NEW.relation));
    SELECT coalesce(sum(c.lost), 0), coalesce(sum(c.changed), 0), greatest(of_rows, max(c.size))
    INTO past_lost, past_changed, of_rows
    FROM interlock.changed c WHERE c.relation = NEW.relation AND c.at > since;
    past_lost := past_lost + coalesce((SELECT sum(t.lost) FROM interlock.tally t WHERE t.relation = NEW.relation), 0);
    INSERT INTO interlock.changed VALUES (NEW.relation, clock_timestamp(), total, changed, size);
    IF counted = 0 THEN
      RETURN NULL;
    END IF;
    counted := greatest(past_lost + total, 0) + least(past_changed + changed, of_rows);
    allowed := greatest(NEW.free, NEW.share * of_rows);
    IF counted <= allowed THEN
      RETURN NULL;
    END IF;
    within := true;
  END IF;
  SELECT a.id INTO granted FROM interlock.approval a
  WHERE a.relation = NEW.relation AND a.used_at IS NULL AND a.until > clock_timestamp() AND a.rows >= counted
  ORDER BY a.rows, a.id LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF granted IS NOT NULL THEN
    UPDATE interlock.approval a SET used_at = clock_timestamp(), used_by = session_user, used_rows = counted
    WHERE a.id = granted;
    RETURN NULL;
  END IF;
  n := nextval('interlock.attempt');
  PERFORM setval(format('interlock.attempt_%s', n % 16 * 3 + i), word) FROM unnest(ARRAY[
    ((extract(epoch FROM clock_timestamp())::bigint - 1577836800) << 32) + NEW.relation::oid::bigint,
    (least(counted, 549755813887) << 24) + n % 16777216,
    ((SELECT r.oid::bigint FROM pg_roles r WHERE r.rolname = session_user) << 30)
      + (least(10000 * counted / of_rows, 10000)::bigint << 16) + n % 65536]) WITH ORDINALITY w (word, j),
    LATERAL (SELECT j - 1 AS i) x;
  RAISE EXCEPTION USING
    ERRCODE = 'check_violation',
    MESSAGE = format('%s of about %s rows of table %s would go or change%s: %s %%, where %s rows may',
                     counted, round(greatest(of_rows, counted)), NEW.name, CASE WHEN within THEN ' within ' || NEW.span ELSE '' END,
                     round((100 * least(counted / of_rows, 1))::numeric, 1), floor(allowed)),
    DETAIL = 'Interlock refused the whole transaction; nothing of it was done, and the attempt is recorded.',
    HINT = format('If it is meant, ask the table''s owner for an approval: interlock approve %s --rows %s --reason WHY',
                  NEW.name, counted),
    TABLE = (SELECT relname FROM pg_class WHERE oid = NEW.relation),
    SCHEMA = (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = NEW.relation),
    CONSTRAINT = 'mass_change';
END $mass_change_end$;
DROP TRIGGER IF EXISTS mass_change_end ON interlock.changing;
CREATE CONSTRAINT TRIGGER mass_change_end AFTER INSERT ON interlock.changing DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.leads) EXECUTE FUNCTION interlock.mass_change_end();

-- After a DELETE: its rows as texts by column, each as its type writes itself (no cast that somebody made is called).
-- Argument: for how long.
CREATE OR REPLACE FUNCTION interlock.keep_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 SET datestyle = 'ISO' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET lc_monetary = 'C' SET timezone = 'UTC' SET xmlbinary = 'base64' AS $keep_rows$
DECLARE
  names text;
  cells text;
BEGIN
  SELECT string_agg(quote_literal(attname), ', ' ORDER BY attnum),
         string_agg(format('CASE WHEN num_nulls(o.%1$I) = 0 THEN format(''%%s'', o.%1$I) END', attname), ', ' ORDER BY attnum)
  INTO names, cells FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
  EXECUTE format('INSERT INTO interlock.kept SELECT $1, $2, now(), now() + $3, session_user,'
                 ' jsonb_object(ARRAY[%s]::text[], ARRAY[%s]::text[]) FROM old_rows o', names, cells)
  USING coalesce(pg_partition_root(TG_RELID), TG_RELID), pg_current_xact_id(), TG_ARGV[0]::interval;
  RETURN NULL;
END $keep_rows$;

-- Kept rows whose time is over go; each caller's own tables only.
CREATE OR REPLACE FUNCTION interlock.tidy() RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $tidy$
DECLARE
  gone bigint;
BEGIN
  DELETE FROM interlock.kept WHERE until <= now();
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $tidy$;

-- Before a DROP, a DETACH or a DROP COLUMN is over, where a superuser asked for it: refused for guarded tables without an
-- approval. Whatever goes wrong in here, DDL goes on.
CREATE OR REPLACE FUNCTION interlock.mass_change_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $mass_change_ddl$
DECLARE
  hit record;
  granted bigint;
  n bigint;
BEGIN
  BEGIN
    IF TG_EVENT = 'sql_drop' THEN
      SELECT d.objid AS relation, d.objid AS root, d.schema_name || '.' || d.object_name AS name, 'drop' AS what INTO hit
      FROM pg_event_trigger_dropped_objects() d
      WHERE d.object_type = 'table' AND EXISTS (
        SELECT FROM pg_event_trigger_dropped_objects() t WHERE t.object_type = 'trigger' AND NOT t.original
        AND t.address_names[1:2] = d.address_names AND t.address_names[3] LIKE 'interlock mass change%') LIMIT 1;
      IF hit IS NULL THEN
        SELECT d.objid AS relation, coalesce(pg_partition_root(d.objid), d.objid) AS root, d.object_identity AS name,
          'drop a column of' AS what INTO hit
        FROM pg_event_trigger_dropped_objects() d
        WHERE d.object_type = 'table column' AND d.original AND EXISTS (
          SELECT FROM pg_trigger t WHERE t.tgrelid = d.objid AND t.tgfoid = 'interlock.mass_change()'::regprocedure) LIMIT 1;
      END IF;
    ELSE
      SELECT t.tgrelid AS relation, coalesce(pg_partition_root(d.objid), d.objid) AS root, t.tgrelid::regclass::text AS name,
        'detach' AS what INTO hit
      FROM pg_event_trigger_ddl_commands() d, pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE d.classid = 'pg_class'::regclass AND t.tgfoid = 'interlock.mass_change()'::regprocedure
      AND NOT c.relispartition AND age(c.xmin) <= age(pg_current_xact_id()::xid)
      AND split_part(encode(t.tgargs, 'escape'), '\000', 5) = 'partition' LIMIT 1;
    END IF;
    IF hit IS NULL THEN
      RETURN;
    END IF;
    SELECT a.id INTO granted FROM interlock.approval a
    WHERE a.relation IN (hit.relation, hit.root) AND a.used_at IS NULL AND a.until > clock_timestamp()
    ORDER BY a.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF granted IS NOT NULL THEN
      UPDATE interlock.approval a SET used_at = clock_timestamp(), used_by = session_user WHERE a.id = granted;
      RETURN;
    END IF;
    n := nextval('interlock.attempt');
    PERFORM setval(format('interlock.attempt_%s', n % 16 * 3 + i), word) FROM (VALUES
      (0, ((extract(epoch FROM clock_timestamp())::bigint - 1577836800) << 32) + hit.root::bigint), (1, n % 16777216),
      (2, ((SELECT r.oid::bigint FROM pg_roles r WHERE r.rolname = session_user) << 30) + n % 65536)) w (i, word);
  EXCEPTION WHEN OTHERS THEN
    RETURN;
  END;
  RAISE EXCEPTION USING
    ERRCODE = 'check_violation',
    MESSAGE = format('to %s %s would take its rows away', hit.what, hit.name),
    DETAIL = 'Interlock refused the whole statement; nothing of it was done, and the attempt is recorded.',
    HINT = 'If it is meant, ask the table''s owner for an approval: interlock approve TABLE --rows N --reason WHY',
    CONSTRAINT = 'mass_change';
END $mass_change_ddl$
