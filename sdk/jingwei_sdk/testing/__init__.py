"""The test kit (测试套件): a plugin tried on a real platform, from its author's own folder.

Installed with ``jingwei-sdk[testing]`` it is a plugin of pytest by itself::

    async def test_a_worker_reports_a_lamp(jingwei_city):
        worker = await jingwei_city.as_role("worker")
        lamp = await worker.run("road-lamp.lamp.report", place_id=await jingwei_city.place(GRID))
        assert lamp.row_id is not None

Under it is PostgreSQL with two cities, both with the plugin switched on; nothing of one test is
left for the next, and after each test the other city must have seen nothing. What a test is given
is described in :mod:`jingwei_sdk.testing.contract`, the fixtures in
:mod:`jingwei_sdk.testing.plugin`.
"""
