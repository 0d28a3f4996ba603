"""The command line (命令行): ``jingwei``, grouped by room."""
