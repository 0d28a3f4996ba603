SET maintenance_work_mem = '512MB';
SELECT definition FROM bench.set_aside
\gexec
TRUNCATE bench.set_aside;
VACUUM (ANALYZE, FREEZE);
