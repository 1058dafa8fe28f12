"""The command tree."""

from __future__ import annotations

import typer

from interlock.cli import (
    alerts,
    backtest,
    check,
    contract,
    dbt,
    demo,
    doctor,
    erase,
    ledger,
    mass_change,
    metrics,
    native,
    quarantine,
    reads,
    report,
    sensitivity,
    slo,
    tables,
    vault,
    verdict,
    verify,
    watch,
    write,
)

app = typer.Typer(
    name="interlock",
    help="Gates for machine-learning pipelines: check each new partition, publish it or quarantine it, say why.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("init")(tables.init)
app.command("learn")(tables.learn)
app.command("check")(check.check)
app.command("write")(write.write)
app.command("verdict")(verdict.verdict)
app.command("enforce")(tables.enforce)
app.command("accept")(tables.accept)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("backtest")(backtest.backtest)
app.add_typer(alerts.app, name="alerts")
app.add_typer(contract.app, name="contract")
app.command("install")(native.install)
app.command("uninstall")(native.uninstall)
app.command("approve")(mass_change.approve)
app.command("changes")(mass_change.changes)
app.command("restore-rows")(mass_change.restore_rows)
app.add_typer(reads.app, name="reads")
app.command("watch")(watch.watch)
app.command("slo")(slo.slo)
app.command("metrics")(metrics.metrics)
app.command("dbt")(dbt.dbt)
app.command("report")(report.report)
app.command("profile")(tables.profile)
app.command("sql")(tables.sql)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(vault.app, name="vault")
app.command("erase")(erase.erase)
app.add_typer(ledger.app, name="ledger")
app.command("verify")(verify.verify)
app.command("demo")(demo.demo)
app.command("incident")(demo.incident)
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    """Gates for machine-learning pipelines."""
    if version:
        from interlock import __version__

        typer.echo(f"interlock {__version__}")
        raise typer.Exit(0)
