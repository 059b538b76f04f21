"""One strategy per person, name and kind. Those that share them today keep their versions and get a number in their name."""

from typing import Any

from django.conf import settings
from django.db import migrations, models

LONGEST_NAME = 64


def tell_apart(apps: Any, _schema_editor: Any) -> None:
    strategies = apps.get_model("strategies", "Strategy").objects
    taken: set[tuple[Any, str, str]] = set(strategies.values_list("user_id", "name", "kind"))
    seen: set[tuple[Any, str, str]] = set()
    for strategy in strategies.order_by("created_at", "pk"):
        if (strategy.user_id, strategy.name, strategy.kind) in seen:
            strategy.name = _free_name(strategy, taken)
            strategy.save(update_fields=["name"])
        seen.add((strategy.user_id, strategy.name, strategy.kind))
        taken.add((strategy.user_id, strategy.name, strategy.kind))


def _free_name(strategy: Any, taken: set[tuple[Any, str, str]]) -> str:
    number = 2
    while True:
        ending = f" ({number})"
        name: str = strategy.name[: LONGEST_NAME - len(ending)] + ending
        if (strategy.user_id, name, strategy.kind) not in taken:
            return name
        number += 1


class Migration(migrations.Migration):
    dependencies = [
        ("strategies", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="strategy",
            name="kind",
            field=models.CharField(default="document", max_length=32, verbose_name="종류"),
        ),
        migrations.RunPython(tell_apart, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="strategy",
            constraint=models.UniqueConstraint(fields=("user", "name", "kind"), name="strategy_once_per_person"),
        ),
        migrations.AddConstraint(
            model_name="strategy",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user", None)), fields=("name", "kind"), name="strategy_once_built_in"
            ),
        ),
    ]
