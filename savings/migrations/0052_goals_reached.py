"""Adds the highest goal that each plan has reached, the switch of its mail, and its kind of circle event."""

from typing import Any

from django.db import migrations, models

# Plans that hold their goal already: reaching it is in the past and no event any more.
_REACHED = """
UPDATE savings_plan SET reached_kobo = target_kobo
WHERE target_kobo <= (SELECT balance_kobo FROM savings_account WHERE plan_id = savings_plan.id)
"""


def note_reached_goals(apps: Any, schema_editor: Any) -> None:
    """Note the goals that plans have reached before this release."""
    schema_editor.execute(_REACHED)


class Migration(migrations.Migration):
    dependencies = [("savings", "0051_payouts")]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="reached_kobo",
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="wants_goal_reached",
            field=models.BooleanField(
                db_default=True, default=True, verbose_name="an email when a plan reaches its goal"
            ),
        ),
        migrations.AlterField(
            model_name="circleevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("started", "started the circle"),
                    ("joined", "joined"),
                    ("saved", "saved"),
                    ("left", "left"),
                    ("removed", "was removed"),
                    ("handed_over", "looks after the circle now"),
                    ("won", "came first"),
                    ("goal", "reached their own goal"),
                ],
                max_length=12,
            ),
        ),
        migrations.RunPython(note_reached_goals, migrations.RunPython.noop),
    ]
