"""What plugins show (插件界面): menus, map layers, public pages and indicators, as data."""
