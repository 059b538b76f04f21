"""A strategy that its person has put away keeps its versions, and its name may be taken anew."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("strategies", "0002_strategy_once"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="strategy", name="strategy_once_per_person"),
        migrations.AddField(
            model_name="strategy",
            name="archived_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="보관"),
        ),
        migrations.AddConstraint(
            model_name="strategy",
            constraint=models.UniqueConstraint(
                condition=models.Q(("archived_at", None)),
                fields=("user", "name", "kind"),
                name="strategy_in_use_once_per_person",
            ),
        ),
    ]
