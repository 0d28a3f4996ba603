"""Real servers for the test-suite: throw-away, on loopback, gone with the run that started them.

    from tests.servers.debian_postgres import PostgresServer, debian_postgres, is_installed
    from tests.servers.s3 import S3Server, s3_server, is_installed

    def is_installed() -> bool                               # the programs are on this machine
    def debian_postgres() -> ContextManager[PostgresServer]  # .url of a superuser, .port, .log
    def s3_server() -> ContextManager[S3Server]              # .endpoint, .access_key, .secret_key

Both raise `ServerFailed` with the tail of the server's log when it does not come up. From a shell,
each module has two commands; the environment they set is listed at the top of each module:

    python -m tests.servers.s3 up              # print `export …`, stay until SIGTERM or Ctrl-C
    python -m tests.servers.s3 run -- make test
"""
