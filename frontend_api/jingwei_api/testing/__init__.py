"""The platform for tests of plugins (测试平台): what ``jingwei_sdk.testing`` stands on."""
