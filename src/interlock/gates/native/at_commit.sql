-- Rules of a whole partition, judged at the end of the transaction that touched it. Three things, kept apart by who may do them.
-- What was touched is written with the rights of the schema's owner (`touched`): nobody can invent, see or take a line. That it
-- is judged is asked by the writer (`due`), so that what a rule says runs with the writer's rights alone: PostgreSQL keeps a
-- deferred event however its row fares, so nobody can take that back, and who asks for more is judged once more. Who is
-- judged waits for its turn: for a row that is updated, and not for an advisory lock, which anybody could hold.

-- What the statements of a transaction touched. A transaction never deletes its own lines, only what others that are over have
-- left: what is to be judged is still known after SET CONSTRAINTS. `net` is rows that came less rows that went, `slot` a hash of
-- the partition's value, equal for equal values; NULL: any.
CREATE UNLOGGED TABLE IF NOT EXISTS interlock.touched (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(), relation oid NOT NULL, label text, whole boolean NOT NULL, net bigint, slot int
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX IF NOT EXISTS touched_xid ON interlock.touched (xid, relation);
REVOKE ALL ON interlock.touched FROM PUBLIC;

-- A line a statement, whose deferred trigger judges; the last one's does. `emptied` are labels that a TRUNCATE takes.
CREATE UNLOGGED TABLE IF NOT EXISTS interlock.due (
  id bigint GENERATED ALWAYS AS IDENTITY (CACHE 100), xid xid8 NOT NULL DEFAULT pg_current_xact_id(), relation oid NOT NULL,
  emptied text[]
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX IF NOT EXISTS due_xid ON interlock.due (xid, relation, id);
REVOKE ALL ON interlock.due FROM PUBLIC;
GRANT INSERT (relation, emptied) ON interlock.due TO PUBLIC;

-- Whose turn it is: logged, since it must hold for a prepared transaction after a crash too.
CREATE TABLE IF NOT EXISTS interlock.turn (
  relation oid, slot int, taken bigint NOT NULL DEFAULT 0, PRIMARY KEY (relation, slot)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
REVOKE ALL ON interlock.turn FROM PUBLIC;

-- The last line of this transaction about a relation: it has an event of its own, which comes after those of others.
CREATE OR REPLACE FUNCTION interlock.due_last(relation oid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $due_last$
BEGIN
  RETURN (SELECT max(d.id) FROM interlock.due d
          WHERE d.xid = pg_current_xact_id_if_assigned() AND d.relation = due_last.relation);
END $due_last$;

-- After each statement, and before it falls due. Argument: the column that splits the relation, empty where none does.
CREATE OR REPLACE FUNCTION interlock.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET extra_float_digits = 1 AS $touch$
DECLARE
  root oid := coalesce(pg_partition_root(TG_RELID), TG_RELID);
  split boolean := TG_ARGV[0] <> '' AND EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = TG_RELID AND attname = TG_ARGV[0]::name);
  seen text;
  labels bigint;
BEGIN
  IF TG_OP <> 'TRUNCATE' THEN
    seen := CASE TG_OP
      WHEN 'INSERT' THEN 'SELECT 1 AS d%s FROM interlock_added'
      WHEN 'DELETE' THEN 'SELECT -1 AS d%s FROM interlock_removed'
      ELSE 'SELECT 1 AS d%1$s FROM interlock_added UNION ALL SELECT -1%1$s FROM interlock_removed' END;
    IF split THEN
      EXECUTE 'INSERT INTO interlock.touched (relation, label, whole, net, slot)'
        ' SELECT $1, CASE WHEN octet_length(l) <= 1000 THEN l END, coalesce(octet_length(l) > 1000, false), net, slot'
        ' FROM (SELECT CASE WHEN v IS NOT NULL THEN format(''%s'', v) END AS l, sum(d) AS net, hash_record(ROW(v)) & 63 AS slot'
        ' FROM (' || format(seen, format(', %I AS v', TG_ARGV[0])) || ') s GROUP BY v LIMIT 1001) c' USING root;
      GET DIAGNOSTICS labels = ROW_COUNT;
    ELSE
      EXECUTE 'SELECT count(*) FROM (' || format(seen, '') || ' LIMIT 1) s' INTO labels;
    END IF;
  END IF;
  IF TG_OP = 'TRUNCATE' OR labels > 1000 OR labels > 0 AND NOT split THEN
    INSERT INTO interlock.touched (relation, whole, slot)
    VALUES (root, true, CASE WHEN TG_ARGV[0] = '' THEN 0 END);
  END IF;
  RETURN NULL;
END $touch$;

-- After `touch`. Arguments on the relation itself: the table's name, the rules' owner, the column that splits it, whether its
-- values are not to be told, and of each rule its name, its text, and two aggregates: whether it is broken, and what was observed.
CREATE OR REPLACE FUNCTION interlock.fall_due() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $fall_due$
BEGIN
  IF pg_current_xact_id_if_assigned() IS NOT NULL THEN  -- else nothing was written
    INSERT INTO interlock.due (relation) VALUES (coalesce(pg_partition_root(TG_RELID), TG_RELID));
  END IF;
  RETURN NULL;
END $fall_due$;

-- Before a TRUNCATE, which shows no rows: the partitions that it takes. Argument: the column.
CREATE OR REPLACE FUNCTION interlock.emptied() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET extra_float_digits = 1 AS $emptied$
DECLARE
  labels text[];
BEGIN
  PERFORM interlock.can_judge(TG_RELID, TG_ARGV[0], false);
  EXECUTE format('SELECT array_agg(CASE WHEN v IS NOT NULL THEN format(''%%s'', v) END)'
                 ' FROM (SELECT %I AS v FROM %s GROUP BY 1) s', TG_ARGV[0], TG_RELID::regclass) INTO labels;
  INSERT INTO interlock.due (relation, emptied)
  SELECT coalesce(pg_partition_root(TG_RELID), TG_RELID), labels WHERE labels IS NOT NULL;
  RETURN NULL;
END $emptied$;

-- Waits for this transaction's turn, at all that it touched and in one order, and says what of a relation that is (`net` NULL:
-- not known). Of what others touched it says nothing, so anybody may call it. What is left of transactions that are over goes.
CREATE OR REPLACE FUNCTION interlock.take_turn(relation oid) RETURNS TABLE (label text, whole boolean, net bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $take_turn$
#variable_conflict use_column
DECLARE
  own xid8 := pg_current_xact_id_if_assigned();
  ended xid8 := pg_snapshot_xmin(pg_current_snapshot());
BEGIN
  INSERT INTO interlock.turn AS t (relation, slot)
  SELECT DISTINCT m.relation, s FROM interlock.touched m, generate_series(coalesce(m.slot, 0), coalesce(m.slot, 63)) s
  WHERE m.xid = own ORDER BY 1, 2
  ON CONFLICT (relation, slot) DO UPDATE SET taken = t.taken + 1 WHERE t.xmin <> own::xid;
  IF current_setting('transaction_isolation') = 'read committed' THEN  -- elsewhere another's tidying would be an error
    DELETE FROM interlock.touched o WHERE o.ctid = ANY (ARRAY(
      SELECT m.ctid FROM interlock.touched m WHERE m.xid < ended FOR UPDATE SKIP LOCKED));
    DELETE FROM interlock.due o WHERE o.ctid = ANY (ARRAY(
      SELECT d.ctid FROM interlock.due d WHERE d.xid < ended FOR UPDATE SKIP LOCKED));
  END IF;
  RETURN QUERY
    SELECT m.label, m.whole, sum(m.net)::bigint FROM interlock.touched m WHERE m.xid = own AND m.relation = take_turn.relation GROUP BY 1, 2
    UNION ALL SELECT unnest(d.emptied), false, NULL FROM interlock.due d WHERE d.xid = own AND d.relation = take_turn.relation;
END $take_turn$;

-- An error where rows would be hidden from who judges (`anybody`: might be), or a partition not be found again by the text of its value.
CREATE OR REPLACE FUNCTION interlock.can_judge(relation regclass, by text, anybody boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $can_judge$
BEGIN
  IF row_security_active(relation) OR anybody AND (SELECT relrowsecurity FROM pg_class c WHERE c.oid = relation) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('row-level security may hide rows of %s from %s, so no rule of it can be judged at commit', relation,
                       CASE WHEN anybody THEN 'who writes' ELSE quote_ident(current_user) END),
      DETAIL = 'Interlock refused the whole transaction; nothing of it was done.',
      HINT = 'Write as a role that sees every row (the table''s owner, or one with BYPASSRLS), or take at_commit out of the contract.';
  END IF;
  IF by <> '' AND NOT EXISTS (
    WITH RECURSIVE made (type) AS (
      SELECT atttypid FROM pg_attribute WHERE attrelid = relation AND attname = by::name AND NOT attisdropped
      UNION ALL SELECT typbasetype FROM made JOIN pg_type ON oid = type WHERE typtype = 'd')
    SELECT FROM made JOIN pg_type t ON t.oid = type WHERE t.typtype = 'e' OR t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b'
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'undefined_column',
      MESSAGE = format('%s has no column %s of a type whose equality is PostgreSQL''s own, by which partitions are judged at commit', relation, by),
      HINT = 'Name another column, or take at_commit out of the contract.';
  END IF;
END $can_judge$;

-- At the transaction's end, or when it sets constraints immediate: the partitions of a relation that it touched, in one scan.
-- It runs as the writer. The rules are those that stand on the relation, whoever asks; operators are PostgreSQL's own.
CREATE OR REPLACE FUNCTION interlock.judge() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET intervalstyle = 'postgres' SET timezone = 'UTC'
SET extra_float_digits = 1 SET bytea_output = 'hex' SET standard_conforming_strings = on SET transform_null_equals = off AS $judge$
DECLARE
  turn record;
  raw bytea;
  said text[] := '{}';
  name text;
  type text;
  checks text;
  rows text;
  part record;
  present text[] := '{}';
  null_present boolean := false;
  missing text[];
BEGIN
  IF interlock.due_last(NEW.relation) > NEW.id THEN
    RETURN NULL;  -- a later event judges
  END IF;
  SELECT coalesce(array_agg(DISTINCT t.label) FILTER (WHERE t.label IS NOT NULL), '{}') AS labels,
    bool_or(t.label IS NULL AND NOT t.whole) AS nulls, bool_or(t.whole) AS everything,  -- and what could be empty now, and was not:
    coalesce(array_agg(t.label) FILTER (WHERE t.label IS NOT NULL AND t.net IS DISTINCT FROM 0), '{}') AS changed,
    bool_or(t.label IS NULL AND NOT t.whole AND t.net IS DISTINCT FROM 0) AS nulls_changed
  INTO turn FROM interlock.take_turn(NEW.relation) t;
  SELECT t.tgargs INTO raw FROM pg_trigger t
  WHERE t.tgrelid = NEW.relation AND t.tgfoid = 'interlock.fall_due()'::regprocedure AND t.tgname = 'interlock commit due';
  IF turn.everything IS NULL OR length(raw) = 0 OR raw IS NULL THEN
    RETURN NULL;
  END IF;
  WHILE length(raw) > 0 LOOP
    said := said || convert_from(substring(raw FOR position('\x00'::bytea IN raw) - 1), 'UTF8');
    raw := substring(raw FROM position('\x00'::bytea IN raw) + 1);
  END LOOP;
  name := said[3];
  PERFORM interlock.can_judge(NEW.relation, name, false);
  SELECT format('SELECT ARRAY[%s]::boolean[] AS broken, ARRAY[%s]::text[] AS observed',
                string_agg(said[i + 2], ', ' ORDER BY i), string_agg(said[i + 3], ', ' ORDER BY i))
  INTO checks FROM generate_series(5, cardinality(said), 4) i;
  rows := ' FROM ' || NEW.relation::regclass;
  BEGIN
    IF name = '' THEN
      EXECUTE checks || rows INTO part;
      PERFORM interlock.refuse_commit(NEW.relation, said, NULL, part.broken, part.observed);
      RETURN NULL;
    END IF;
    SELECT format_type(a.atttypid, a.atttypmod) INTO type FROM pg_attribute a WHERE a.attrelid = NEW.relation AND a.attname = name::name;
    FOR part IN EXECUTE checks || format(', CASE WHEN %1$I IS NOT NULL THEN format(''%%s'', %1$I) END AS label', name) || rows
      || CASE WHEN turn.everything THEN '' ELSE format(' WHERE %I = ANY (%L::%s[])', name, turn.labels::text, type)
         || CASE WHEN turn.nulls THEN format(' OR %I IS NULL', name) ELSE '' END END || format(' GROUP BY %I', name)
    LOOP
      PERFORM interlock.refuse_commit(NEW.relation, said, part.label, part.broken, part.observed);
      present := present || part.label;
      null_present := null_present OR part.label IS NULL;
    END LOOP;
    -- a partition that is empty now is judged as one of no rows
    missing := ARRAY(SELECT unnest(turn.changed) EXCEPT SELECT unnest(present));
    IF missing <> '{}' THEN  -- unless its value is written in another way
      EXECUTE format('SELECT ARRAY(SELECT format(''%%s'', l.v) FROM unnest(%L::%s[]) l (v) WHERE NOT EXISTS (SELECT%s r WHERE r.%I = l.v))',
                     missing::text, type, rows, name) INTO missing;
    END IF;
    IF turn.nulls_changed AND NOT null_present THEN
      missing := missing || NULL::text;
    END IF;
    IF missing <> '{}' THEN
      EXECUTE checks || rows || ' WHERE false' INTO part;
      PERFORM interlock.refuse_commit(NEW.relation, said, missing[1], part.broken, part.observed);
    END IF;
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('the rules of table %s cannot be judged as %s: %s', said[1], current_user, SQLERRM),
      DETAIL = 'Interlock refused the whole transaction; nothing of it was done.',
      HINT = 'Who writes needs the right to read the columns that rules are about: GRANT SELECT, or take at_commit out of the contract.';
  END;
  RETURN NULL;
END $judge$;

-- An error that says which rule a partition breaks; none where it breaks none. What is not known to hold does not.
CREATE OR REPLACE FUNCTION interlock.refuse_commit(relation oid, said text[], label text, broken boolean[], observed text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $refuse_commit$
DECLARE
  i int := 1 + coalesce((SELECT min(n) FROM generate_subscripts(broken, 1) n WHERE broken[n] IS NOT FALSE), 0);
BEGIN
  IF i = 1 THEN
    RETURN;
  END IF;
  RAISE EXCEPTION USING
    ERRCODE = 'check_violation',
    MESSAGE = format('%stable %s breaks rule %s: %s',
      CASE WHEN said[3] = '' THEN '' WHEN said[4] <> '' THEN 'a partition of '
           ELSE format('partition %s=%s of ', said[3], coalesce(left(label, 80), 'NULL')) END,
      said[1], said[4 * i - 3], said[4 * i - 2]),
    DETAIL = format('%s. Interlock refused the whole transaction; nothing of it was done.', coalesce(observed[i - 1], 'Nothing is known')),
    HINT = CASE WHEN said[2] = '' THEN 'Make it right before the transaction ends, or change the rule in the contract and install it again.'
                ELSE format('Make it right before the transaction ends, or ask %s, who owns the rule.', said[2]) END,
    SCHEMA = (SELECT relnamespace::regnamespace::text FROM pg_class c WHERE c.oid = relation),
    TABLE = (SELECT relname FROM pg_class c WHERE c.oid = relation), CONSTRAINT = said[4 * i - 3];
END $refuse_commit$;
DROP TRIGGER IF EXISTS judge ON interlock.due;
CREATE CONSTRAINT TRIGGER judge AFTER INSERT ON interlock.due DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION interlock.judge();
