"""The public contract of Jingwei (经纬): what a plugin may use, and nothing else."""
