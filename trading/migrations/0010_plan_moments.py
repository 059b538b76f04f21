from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0009_collar_price"),
    ]

    operations = [
        migrations.AddField(
            model_name="swingplan",
            name="held_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="swingplan",
            name="waits_for_open",
            field=models.DateTimeField(null=True),
        ),
    ]
