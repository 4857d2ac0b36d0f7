"""Storyboards carried by Celery instead of rivya-run's own workers.

    celery -A celery_tasks worker --concurrency 2
    python -c "from celery_tasks import carry; carry.delay('/srv/project/specs/film.yaml')"

Any engine does that hands out a job at least once: what comes twice, at the same time even, is paid once.
RIVYA_API_KEY and RIVYA_RUN_DATABASE stand in the environment of Celery's workers.
"""

from __future__ import annotations

import os
import subprocess

from celery import Celery

app = Celery("rivya-run", broker=os.environ["CELERY_BROKER_URL"])
app.conf.task_acks_late = True  # a worker that dies has done nothing as far as the broker knows
app.conf.task_reject_on_worker_lost = True
app.conf.worker_prefetch_multiplier = 1

IN_USE_OR_STOPPED = (7, 130)


@app.task(bind=True, max_retries=None, name="carry")
def carry(self, storyboard: str) -> int:
    code = subprocess.run(["rivya-run", "run", storyboard]).returncode
    if code in IN_USE_OR_STOPPED:  # somebody else carries it, or this run was asked to stop
        raise self.retry(countdown=15)
    return code
