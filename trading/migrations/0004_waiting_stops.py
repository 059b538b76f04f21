from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0003_safety_counts")]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("order_type", "stop"), ("state", "pending"), ("triggered_at", None)),
                fields=["instrument"],
                name="order_waiting_stop",
            ),
        ),
    ]
