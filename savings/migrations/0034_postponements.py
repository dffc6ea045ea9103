import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0031_movements_of_the_stash'),
    ]

    operations = [
        migrations.CreateModel(
            name='Postponement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('task', models.CharField(max_length=40)),
                ('row_id', models.BigIntegerField()),
                ('failures', models.PositiveIntegerField(default=1)),
                ('reason', models.CharField(max_length=300)),
                ('first_failed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('retry_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('task', 'row_id'), name='postponement_once_per_row')],
            },
        ),
    ]
