import django.db.models.deletion
from django.db import migrations, models


def statement_field(on_delete):
    return models.ForeignKey(
        blank=True,
        db_index=False,
        null=True,
        on_delete=on_delete,
        related_name="outbox_rows",
        to="savings.statement",
    )


class Migration(migrations.Migration):
    """Adds an empty column, which reads no row: PostgreSQL does not validate the foreign key of a column without values.

    Django clears the column when the new release deletes a statement. The previous release does not know the column,
    so the database clears it as well. Django refuses to declare DB_SET_NULL on the model, because deleting a user
    cascades to statements in Python.
    """

    dependencies = [("savings", "0038_payment_constraints")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.AddField("outboxrow", "statement", statement_field(django.db.models.deletion.DB_SET_NULL)),
            ],
            state_operations=[
                migrations.AddField("outboxrow", "statement", statement_field(django.db.models.deletion.SET_NULL)),
            ],
        ),
    ]
