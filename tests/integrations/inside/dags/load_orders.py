"""A DAG as somebody would write it: load a day of orders through the write gate, then train."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG, Asset, task

from interlock.integrations.airflow import InterlockCheckOperator, InterlockSensor, InterlockWriteOperator

DAY = "{{ dag_run.conf['day'] }}"

with DAG("load_orders", schedule=None) as dag:
    write = InterlockWriteOperator(
        task_id="write",
        table="orders",
        data="{{ dag_run.conf['data'] }}",
        partition=DAY,
        outlets=[Asset("interlock://orders")],
        retries=3,
        retry_delay=dt.timedelta(0),
    )
    check = InterlockCheckOperator(
        task_id="check", table="orders", partition=DAY, workspace="{{ dag_run.conf['workspace'] }}"
    )
    wait = InterlockSensor(task_id="wait", table="orders", partition=DAY, timeout=5)

    @task
    def model() -> str:
        return "trained"

    write >> check >> wait >> model()
