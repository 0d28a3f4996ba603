"""What a plugin puts into a tenant (插件入驻) when it is switched on."""
