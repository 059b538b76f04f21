from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0015_alias_defaults")]

    operations = [
        migrations.AddField("brokerorder", "division", models.CharField(default="plain", max_length=16)),
        migrations.AddField(
            "order",
            "division",
            models.CharField(
                choices=[
                    ("plain", "일반"),
                    ("conditional", "조건부지정가"),
                    ("best", "최유리지정가"),
                    ("first", "최우선지정가"),
                    ("pre_open", "장전 시간외"),
                    ("post_close", "장후 시간외"),
                    ("after", "애프터마켓 지정가"),
                    ("after_best", "애프터마켓 최유리"),
                    ("after_first", "애프터마켓 최우선"),
                ],
                default="plain",
                max_length=16,
                verbose_name="주문 구분",
            ),
        ),
        migrations.AlterField(
            "order",
            "time_in_force",
            models.CharField(
                choices=[
                    ("day", "당일"),
                    ("gtc", "취소할 때까지"),
                    ("ioc", "즉시 체결 후 잔량 취소"),
                    ("fok", "전량 즉시 체결 아니면 취소"),
                ],
                max_length=4,
                verbose_name="유효 기간",
            ),
        ),
    ]
