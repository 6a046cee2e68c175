"""Runs scenarios one after the other, each with a time of its own, and says of each whether it went well."""

import asyncio

# Seconds that a scenario may take: only one that hangs does.
SCENARIO_SECONDS = 100


async def run_scenarios(scenarios):
    for scenario in scenarios:
        name = scenario.__name__
        try:
            await asyncio.wait_for(scenario(), SCENARIO_SECONDS)
            print(f"ok {name}", flush=True)
        except Exception as error:
            print(f"FAIL {name} {type(error).__name__}: {error}", flush=True)


def run_all(scenarios):
    asyncio.run(run_scenarios(scenarios))
