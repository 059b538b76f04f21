import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0002_kis_prices"),
    ]

    operations = [
        migrations.CreateModel(
            name="BarOpening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=16, verbose_name="출처")),
                ("interval", models.CharField(max_length=3, verbose_name="간격")),
                ("opened_at", models.BigIntegerField()),
                ("closed_at", models.BigIntegerField()),
                ("open", models.FloatField()),
                (
                    "instrument",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="openings",
                        to="markets.instrument",
                    ),
                ),
            ],
            options={
                "verbose_name": "진행 중인 봉",
                "verbose_name_plural": "진행 중인 봉",
                "constraints": [
                    models.UniqueConstraint(fields=("instrument", "source", "interval"), name="bar_opening_unique")
                ],
            },
        ),
    ]
