BEGIN TRANSACTION;
CREATE TABLE ducklake_column(
        column_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT, table_id BIGINT,
        column_order BIGINT, column_name VARCHAR, column_type VARCHAR, initial_default VARCHAR,
        default_value VARCHAR, nulls_allowed BIGINT, parent_column BIGINT, default_value_type VARCHAR,
        default_value_dialect VARCHAR
    );
INSERT INTO "ducklake_column" VALUES(1,1,NULL,1,1,'id','int32',NULL,'NULL',1,NULL,'literal','duckdb');
INSERT INTO "ducklake_column" VALUES(2,1,NULL,1,2,'name','varchar',NULL,'NULL',1,NULL,'literal','duckdb');
CREATE TABLE ducklake_column_mapping(
        mapping_id BIGINT, table_id BIGINT, "type" VARCHAR
    );
CREATE TABLE ducklake_column_tag(
        table_id BIGINT, column_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT, "key" VARCHAR,
        "value" VARCHAR
    );
CREATE TABLE ducklake_data_file(
        data_file_id BIGINT PRIMARY KEY, table_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT,
        file_order BIGINT, path VARCHAR, path_is_relative BIGINT, file_format VARCHAR,
        record_count BIGINT, file_size_bytes BIGINT, footer_size BIGINT, row_id_start BIGINT,
        partition_id BIGINT, encryption_key VARCHAR, mapping_id BIGINT, partial_max BIGINT
    );
INSERT INTO "ducklake_data_file" VALUES(0,1,2,3,NULL,'bbde6c82-bc72-4557-925d-c65dc39aeadb.parquet',1,'parquet',1,295,236,0,NULL,NULL,NULL,NULL);
INSERT INTO "ducklake_data_file" VALUES(1,1,3,NULL,NULL,'8459dd3f-d782-4151-a9d3-e387be4d9343.parquet',1,'parquet',2,318,238,1,NULL,NULL,NULL,NULL);
CREATE TABLE ducklake_delete_file(
        delete_file_id BIGINT PRIMARY KEY, table_id BIGINT, begin_snapshot BIGINT,
        end_snapshot BIGINT, data_file_id BIGINT, path VARCHAR, path_is_relative BIGINT,
        format VARCHAR, delete_count BIGINT, file_size_bytes BIGINT, footer_size BIGINT,
        encryption_key VARCHAR, partial_max BIGINT
    );
CREATE TABLE ducklake_file_column_stats(
        data_file_id BIGINT, table_id BIGINT, column_id BIGINT, column_size_bytes BIGINT,
        value_count BIGINT, null_count BIGINT, min_value VARCHAR, max_value VARCHAR,
        contains_nan BIGINT, extra_stats VARCHAR
    );
INSERT INTO "ducklake_file_column_stats" VALUES(0,1,1,8,1,0,'1','1',NULL,NULL);
INSERT INTO "ducklake_file_column_stats" VALUES(0,1,2,8,1,0,'a','a',NULL,NULL);
INSERT INTO "ducklake_file_column_stats" VALUES(1,1,1,16,2,0,'7','8',NULL,NULL);
INSERT INTO "ducklake_file_column_stats" VALUES(1,1,2,16,2,0,'a','b',NULL,NULL);
CREATE TABLE ducklake_file_partition_value(
        data_file_id BIGINT, table_id BIGINT, partition_key_index BIGINT, partition_value VARCHAR
    );
CREATE TABLE ducklake_file_variant_stats(
        data_file_id BIGINT, table_id BIGINT, column_id BIGINT, variant_path VARCHAR,
        shredded_type VARCHAR, column_size_bytes BIGINT, value_count BIGINT, null_count BIGINT,
        min_value VARCHAR, max_value VARCHAR, contains_nan BIGINT, extra_stats VARCHAR
    );
CREATE TABLE ducklake_files_scheduled_for_deletion(
        data_file_id BIGINT, path VARCHAR, path_is_relative BIGINT, schedule_start VARCHAR
    );
CREATE TABLE ducklake_inlined_data_tables(
        table_id BIGINT, table_name VARCHAR, schema_version BIGINT
    );
CREATE TABLE ducklake_macro(
        schema_id BIGINT, macro_id BIGINT, macro_name VARCHAR, begin_snapshot BIGINT,
        end_snapshot BIGINT
    );
CREATE TABLE ducklake_macro_impl(
        macro_id BIGINT, impl_id BIGINT, dialect VARCHAR, "sql" VARCHAR, "type" VARCHAR
    );
CREATE TABLE ducklake_macro_parameters(
        macro_id BIGINT, impl_id BIGINT, column_id BIGINT, parameter_name VARCHAR,
        parameter_type VARCHAR, default_value VARCHAR, default_value_type VARCHAR
    );
CREATE TABLE ducklake_metadata(
        "key" VARCHAR NOT NULL, "value" VARCHAR NOT NULL, "scope" VARCHAR, scope_id BIGINT
    );
INSERT INTO "ducklake_metadata" VALUES('version','1.0',NULL,NULL);
INSERT INTO "ducklake_metadata" VALUES('created_by','Interlock',NULL,NULL);
INSERT INTO "ducklake_metadata" VALUES('data_path','/workspace/data/',NULL,NULL);
INSERT INTO "ducklake_metadata" VALUES('encrypted','false',NULL,NULL);
INSERT INTO "ducklake_metadata" VALUES('data_inlining_row_limit','0',NULL,NULL);
CREATE TABLE ducklake_name_mapping(
        mapping_id BIGINT, column_id BIGINT, source_name VARCHAR, target_field_id BIGINT,
        parent_column BIGINT, is_partition BIGINT
    );
CREATE TABLE ducklake_partition_column(
        partition_id BIGINT, table_id BIGINT, partition_key_index BIGINT, column_id BIGINT,
        "transform" VARCHAR
    );
CREATE TABLE ducklake_partition_info(
        partition_id BIGINT, table_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT
    );
CREATE TABLE ducklake_schema(
        schema_id BIGINT PRIMARY KEY, schema_uuid VARCHAR, begin_snapshot BIGINT, end_snapshot BIGINT,
        schema_name VARCHAR, path VARCHAR, path_is_relative BIGINT
    );
INSERT INTO "ducklake_schema" VALUES(0,'7497d7d3-61fd-4e0a-9172-0f3537450875',0,NULL,'main','main/',1);
CREATE TABLE ducklake_schema_versions(
        begin_snapshot BIGINT, schema_version BIGINT, table_id BIGINT
    );
INSERT INTO "ducklake_schema_versions" VALUES(1,1,1);
CREATE TABLE ducklake_snapshot(
        snapshot_id BIGINT PRIMARY KEY, snapshot_time VARCHAR, schema_version BIGINT,
        next_catalog_id BIGINT, next_file_id BIGINT
    );
INSERT INTO "ducklake_snapshot" VALUES(0,'2026-11-21 22:59:13.330050+00',0,1,0);
INSERT INTO "ducklake_snapshot" VALUES(1,'2026-11-21 22:59:13.962162+00',1,2,0);
INSERT INTO "ducklake_snapshot" VALUES(2,'2026-11-21 22:59:14.024294+00',1,2,1);
INSERT INTO "ducklake_snapshot" VALUES(3,'2026-11-21 22:59:14.124290+00',1,2,2);
CREATE TABLE ducklake_snapshot_changes(
        snapshot_id BIGINT PRIMARY KEY, changes_made VARCHAR, author VARCHAR, commit_message VARCHAR,
        commit_extra_info VARCHAR
    );
INSERT INTO "ducklake_snapshot_changes" VALUES(0,'created_schema:"main"',NULL,NULL,NULL);
INSERT INTO "ducklake_snapshot_changes" VALUES(1,'created_table:"main"."flights"',NULL,NULL,NULL);
INSERT INTO "ducklake_snapshot_changes" VALUES(2,'inserted_into_table:1',NULL,NULL,NULL);
INSERT INTO "ducklake_snapshot_changes" VALUES(3,'inserted_into_table:1,deleted_from_table:1',NULL,NULL,NULL);
CREATE TABLE ducklake_sort_expression(
        sort_id BIGINT, table_id BIGINT, sort_key_index BIGINT, expression VARCHAR, dialect VARCHAR,
        sort_direction VARCHAR, null_order VARCHAR
    );
CREATE TABLE ducklake_sort_info(
        sort_id BIGINT, table_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT
    );
CREATE TABLE ducklake_table(
        table_id BIGINT, table_uuid VARCHAR, begin_snapshot BIGINT, end_snapshot BIGINT,
        schema_id BIGINT, table_name VARCHAR, path VARCHAR, path_is_relative BIGINT
    );
INSERT INTO "ducklake_table" VALUES(1,'0d87c31a-15e9-41b9-89c1-2456def09da6',1,NULL,0,'flights','flights/',1);
CREATE TABLE ducklake_table_column_stats(
        table_id BIGINT, column_id BIGINT, contains_null BIGINT, contains_nan BIGINT,
        min_value VARCHAR, max_value VARCHAR, extra_stats VARCHAR
    );
INSERT INTO "ducklake_table_column_stats" VALUES(1,1,0,NULL,'1','8',NULL);
INSERT INTO "ducklake_table_column_stats" VALUES(1,2,0,NULL,'a','b',NULL);
CREATE TABLE ducklake_table_stats(
        table_id BIGINT, record_count BIGINT, next_row_id BIGINT, file_size_bytes BIGINT
    );
INSERT INTO "ducklake_table_stats" VALUES(1,2,3,318);
CREATE TABLE ducklake_tag(
        object_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT, "key" VARCHAR, "value" VARCHAR
    );
CREATE TABLE ducklake_view(
        view_id BIGINT, view_uuid VARCHAR, begin_snapshot BIGINT, end_snapshot BIGINT,
        schema_id BIGINT, view_name VARCHAR, dialect VARCHAR, "sql" VARCHAR, column_aliases VARCHAR
    );
CREATE TABLE interlock_accept (
        id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, since TEXT NOT NULL,
        reason TEXT NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL
    );
INSERT INTO "interlock_accept" VALUES(1,'flights','2013-01-02','holiday','2013-01-05T12:30:00.000000+00:00','ann');
CREATE TABLE interlock_alert (
        id INTEGER PRIMARY KEY, table_name TEXT NOT NULL, kind TEXT NOT NULL, columns TEXT NOT NULL,
        aspects TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, title TEXT NOT NULL, cause TEXT,
        advice TEXT, owner TEXT, score REAL NOT NULL, share REAL, first_label TEXT NOT NULL,
        last_label TEXT NOT NULL, seen INTEGER NOT NULL, verdict_id TEXT NOT NULL, opened_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, closed_at TEXT, closed_label TEXT, closed_verdict TEXT, feedback TEXT,
        who TEXT, reason TEXT, quiet_until TEXT, silenced INTEGER NOT NULL, told TEXT, told_at TEXT,
        told_week TEXT, told_severity TEXT, told_score REAL, told_share REAL, recovery_told INTEGER NOT NULL
    );
INSERT INTO "interlock_alert" VALUES(1,'flights','nulls','["id"]','["nulls"]','open','ticket','id is empty in 1 rows where it never was',NULL,NULL,NULL,2.0,NULL,'2013-01-01','2013-01-02',2,'v3','2024-01-01T00:00:00.000000+00:00','2024-01-02T00:00:00.000000+00:00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE interlock_constraint (
        table_name TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (table_name, name)
    );
CREATE TABLE interlock_enforcement (
        table_name TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (table_name, name)
    );
CREATE TABLE interlock_outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, at TEXT NOT NULL, entry BLOB NOT NULL,
        digest TEXT NOT NULL, ledger_index BIGINT UNIQUE
    );
INSERT INTO "interlock_outbox" VALUES(1,'verdict','2026-11-21T22:59:14.024294+00:00',X'7B226174223A22323032362D31312D32315432323A35393A31342E3032343239342B30303A3030222C226465636973696F6E223A227075626C6973686564222C22646F63756D656E74223A2230363661313262346537653032373336353238313836326265373964623235613036383132306133343236393265623935643766646431386666616334323966222C2267617465223A227772697465222C226A75646765645F6174223A22323031332D30312D30355431323A33303A30302B30303A3030222C226B696E64223A2276657264696374222C226F7574636F6D65223A2270617373222C22706172746974696F6E223A22323031332D30312D3031222C22706172746974696F6E73223A5B7B22646967657374223A6E756C6C2C226964223A312C226C6162656C223A22323031332D30312D3031222C2270617468223A22646174612F6D61696E2F666C69676874732F62626465366338322D626337322D343535372D393235642D6336356463333961656164622E70617271756574222C22726F7773223A312C2273697A655F6279746573223A3239352C227374617465223A227075626C6973686564222C227461626C65223A22666C6967687473227D5D2C227461626C65223A22666C6967687473222C2276223A312C2276657264696374223A227631222C22776F726B7370616365223A2236613031323462392D623933652D343234352D383862622D643339396337333630626463227D','0e0f6154c5f5229bad3b371f1fa2f5607231c3abda7f71789bc34484c5829050',0);
INSERT INTO "interlock_outbox" VALUES(2,'verdict','2026-11-21T22:59:14.124290+00:00',X'7B226174223A22323032362D31312D32315432323A35393A31342E3132343239302B30303A3030222C226465636973696F6E223A227075626C6973686564222C22646F63756D656E74223A2233363236396336383032643437323539613730666433376532636362363666666139393139396165653331623166396530613630333638646264326563636662222C2267617465223A227772697465222C226A75646765645F6174223A22323031332D30312D30355431323A33303A30302B30303A3030222C226B696E64223A2276657264696374222C226F7574636F6D65223A2270617373222C22706172746974696F6E223A22323031332D30312D3031222C22706172746974696F6E73223A5B7B22646967657374223A6E756C6C2C226964223A312C226C6162656C223A22323031332D30312D3031222C2270617468223A22646174612F6D61696E2F666C69676874732F62626465366338322D626337322D343535372D393235642D6336356463333961656164622E70617271756574222C22726F7773223A312C2273697A655F6279746573223A3239352C227374617465223A227265706C61636564222C227461626C65223A22666C6967687473227D2C7B22646967657374223A6E756C6C2C226964223A322C226C6162656C223A22323031332D30312D3031222C2270617468223A22646174612F6D61696E2F666C69676874732F38343539646433662D643738322D343135312D613964332D6533383762653464393334332E70617271756574222C22726F7773223A322C2273697A655F6279746573223A3331382C227374617465223A227075626C6973686564222C227461626C65223A22666C6967687473227D5D2C227461626C65223A22666C6967687473222C2276223A312C2276657264696374223A227632222C22776F726B7370616365223A2236613031323462392D623933652D343234352D383862622D643339396337333630626463227D','5ec482f1eae7161666fcb49da578db20d3741e18c33c3dc8fc326097e15e38d2',1);
INSERT INTO "interlock_outbox" VALUES(3,'verdict','2026-11-21T22:59:14.145524+00:00',X'7B226174223A22323032362D31312D32315432323A35393A31342E3134353532342B30303A3030222C226465636973696F6E223A2271756172616E74696E6564222C22646F63756D656E74223A2239346430633937333330646531363535326433613165353863303631663531666331343638663035346561633631626136376535363133386331333439373137222C2267617465223A227772697465222C226A75646765645F6174223A22323031332D30312D30355431323A33303A30302B30303A3030222C226B696E64223A2276657264696374222C226F7574636F6D65223A226661696C222C22706172746974696F6E223A22323031332D30312D3032222C22706172746974696F6E73223A5B7B22646967657374223A6E756C6C2C226964223A332C226C6162656C223A22323031332D30312D3032222C2270617468223A2271756172616E74696E652F782E70617271756574222C22726F7773223A3930302C2273697A655F6279746573223A35303030302C227374617465223A2271756172616E74696E6564222C227461626C65223A22666C6967687473227D5D2C227461626C65223A22666C6967687473222C2276223A312C2276657264696374223A227633222C22776F726B7370616365223A2236613031323462392D623933652D343234352D383862622D643339396337333630626463227D','4bbb3fb5f430ff65722404b172fa72786d9f6f0e6d4312ac61a63abe15c3d25a',2);
INSERT INTO "interlock_outbox" VALUES(4,'accept','2026-11-21T22:59:14.148090+00:00',X'7B226174223A22323032362D31312D32315432323A35393A31342E3134383039302B30303A3030222C226B696E64223A22616363657074222C22726561736F6E223A22686F6C69646179222C2273696E6365223A22323031332D30312D3032222C227461626C65223A22666C6967687473222C2276223A312C2277686F223A22616E6E222C22776F726B7370616365223A2236613031323462392D623933652D343234352D383862622D643339396337333630626463227D','f70668eebfa6040a8208f68e902fee6a235dc9f3ee9f3e1aa49fabf91a5b11fa',3);
CREATE TABLE interlock_partition (
        id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, label TEXT NOT NULL,
        state TEXT NOT NULL, rows BIGINT NOT NULL, size_bytes BIGINT NOT NULL, path TEXT, digest TEXT,
        data_file_id BIGINT, snapshot_id BIGINT, verdict_id TEXT, loaded_at TEXT NOT NULL,
        schema TEXT NOT NULL
    );
INSERT INTO "interlock_partition" VALUES(1,'flights','2013-01-01','replaced',1,295,'data/main/flights/bbde6c82-bc72-4557-925d-c65dc39aeadb.parquet',NULL,0,2,'v1','2013-01-05T12:30:00.000000+00:00','[["id","INTEGER"],["name","VARCHAR"]]');
INSERT INTO "interlock_partition" VALUES(2,'flights','2013-01-01','published',2,318,'data/main/flights/8459dd3f-d782-4151-a9d3-e387be4d9343.parquet',NULL,1,3,'v2','2013-01-05T12:30:00.000000+00:00','[["id","INTEGER"],["name","VARCHAR"]]');
INSERT INTO "interlock_partition" VALUES(3,'flights','2013-01-02','quarantined',900,50000,'quarantine/x.parquet',NULL,NULL,NULL,'v3','2013-01-05T12:30:00.000000+00:00','[["day","DATE"],["delay","DOUBLE"]]');
CREATE TABLE interlock_profile (
        partition_id INTEGER PRIMARY KEY, document BLOB NOT NULL, vector BLOB NOT NULL,
        vector_schema_id INTEGER NOT NULL, domains TEXT NOT NULL
    );
INSERT INTO "interlock_profile" VALUES(1,X'7801AB562ACA2F2F56B232AC050013C10373',X'00000000000000000000000000000000',1,'{"name":["a"]}');
INSERT INTO "interlock_profile" VALUES(2,X'7801AB562ACA2F2F56B232AA050013C30374',X'00000000000000000000000000000000',1,'{"name":["a"]}');
CREATE TABLE interlock_snapshot (
        snapshot_id BIGINT PRIMARY KEY, ours INTEGER NOT NULL, seen_at TEXT NOT NULL
    );
INSERT INTO "interlock_snapshot" VALUES(0,1,'2026-11-21T22:59:13.330050+00:00');
INSERT INTO "interlock_snapshot" VALUES(1,1,'2026-11-21T22:59:13.962162+00:00');
INSERT INTO "interlock_snapshot" VALUES(2,1,'2026-11-21T22:59:14.024294+00:00');
INSERT INTO "interlock_snapshot" VALUES(3,1,'2026-11-21T22:59:14.124290+00:00');
CREATE TABLE interlock_table (
        name TEXT PRIMARY KEY, mode TEXT NOT NULL, partition TEXT, key TEXT NOT NULL, location TEXT,
        settings TEXT NOT NULL, created_at TEXT NOT NULL, lake_table_id BIGINT
    );
INSERT INTO "interlock_table" VALUES('flights','managed',NULL,'["id"]',NULL,'{"owner":"ops"}','2013-01-05T12:30:00.000000+00:00',1);
CREATE TABLE interlock_trigger_run (
        id INTEGER PRIMARY KEY AUTOINCREMENT, verdict_id TEXT NOT NULL, table_name TEXT NOT NULL,
        label TEXT NOT NULL, trigger TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
        detail TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    );
CREATE TABLE interlock_vector_schema (
        id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, names BLOB NOT NULL
    );
INSERT INTO "interlock_vector_schema" VALUES(1,'31169ec590c43baf33f7a596781fac916ce9d54109695c451b81f4c228f80129',X'78018B56CA4CA9C94D4DCC53D201B1F24A73728A956201588E07CE');
CREATE TABLE interlock_verdict (
        id TEXT PRIMARY KEY, sequence INTEGER NOT NULL UNIQUE, table_name TEXT NOT NULL, label TEXT NOT NULL,
        gate TEXT NOT NULL, outcome TEXT NOT NULL, decision TEXT NOT NULL, judged_at TEXT NOT NULL,
        document TEXT NOT NULL, entry_digest TEXT NOT NULL
    );
INSERT INTO "interlock_verdict" VALUES('v1',1,'flights','2013-01-01','write','pass','published','2013-01-05T12:30:00.000000+00:00','{"id":"v1","violations":[]}','0e0f6154c5f5229bad3b371f1fa2f5607231c3abda7f71789bc34484c5829050');
INSERT INTO "interlock_verdict" VALUES('v2',2,'flights','2013-01-01','write','pass','published','2013-01-05T12:30:00.000000+00:00','{"id":"v2","violations":[]}','5ec482f1eae7161666fcb49da578db20d3741e18c33c3dc8fc326097e15e38d2');
INSERT INTO "interlock_verdict" VALUES('v3',3,'flights','2013-01-02','write','fail','quarantined','2013-01-05T12:30:00.000000+00:00','{"id":"v3","violations":[]}','4bbb3fb5f430ff65722404b172fa72786d9f6f0e6d4312ac61a63abe15c3d25a');
CREATE TABLE interlock_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT interlock_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "interlock_version" VALUES('0002');
CREATE TABLE interlock_workspace (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "interlock_workspace" VALUES('id','6a0124b9-b93e-4245-88bb-d399c7360bdc');
INSERT INTO "interlock_workspace" VALUES('created_at','2026-11-21T22:59:13.330050+00:00');
CREATE INDEX interlock_partition_by_label ON interlock_partition (table_name, label);
CREATE INDEX interlock_partition_by_state ON interlock_partition (table_name, state);
CREATE INDEX interlock_verdict_by_table ON interlock_verdict (table_name, sequence);
CREATE INDEX interlock_trigger_run_by_state ON interlock_trigger_run (state);
CREATE INDEX interlock_alert_by_table ON interlock_alert (table_name, state);
CREATE INDEX interlock_alert_by_week ON interlock_alert (told_week, owner);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('interlock_partition',3);
INSERT INTO "sqlite_sequence" VALUES('interlock_outbox',4);
INSERT INTO "sqlite_sequence" VALUES('interlock_accept',1);
COMMIT;
