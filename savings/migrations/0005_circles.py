import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0004_account_sums_exact'),
    ]

    operations = [
        migrations.CreateModel(
            name='Circle',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('name', models.CharField(max_length=60)),
                ('description', models.CharField(blank=True, default='', max_length=300)),
                ('goal_kobo', models.BigIntegerField()),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField()),
                ('joining', models.CharField(choices=[('open', 'Anybody may join'), ('invitation', 'By invitation'), ('closed', 'Nobody new')], default='invitation', max_length=10)),
                ('invite_code', models.CharField(max_length=32, unique=True)),
                ('member_limit', models.PositiveIntegerField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='owned_circles', to=settings.AUTH_USER_MODEL)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='circles', to='savings.product')),
            ],
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('nickname', models.CharField(max_length=30)),
                ('hides_amount', models.BooleanField(default=False)),
                ('on_board', models.BooleanField(default=True)),
                ('saved_kobo', models.BigIntegerField(default=0)),
                ('reached_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('week', models.DateField(blank=True, null=True)),
                ('week_start_kobo', models.BigIntegerField(default=0)),
                ('month', models.DateField(blank=True, null=True)),
                ('month_start_kobo', models.BigIntegerField(default=0)),
                ('version', models.BigIntegerField(default=0)),
                ('joined_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('left_at', models.DateTimeField(blank=True, null=True)),
                ('circle', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='savings.circle')),
                ('plan', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='membership', to='savings.plan')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(
            model_name='circle',
            index=models.Index(condition=models.Q(('joining', 'open')), fields=['-id'], name='circle_public'),
        ),
        migrations.AddConstraint(
            model_name='circle',
            constraint=models.CheckConstraint(condition=models.Q(('goal_kobo__gt', 0)), name='circle_goal_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='circle',
            constraint=models.CheckConstraint(condition=models.Q(('ends_on__gt', models.F('starts_on'))), name='circle_ends_after_start'),
        ),
        migrations.AddIndex(
            model_name='membership',
            index=models.Index(condition=models.Q(('left_at__isnull', True), ('on_board', True), ('saved_kobo__gt', 0)), fields=['circle', '-saved_kobo', 'reached_at', 'id'], name='membership_board'),
        ),
        migrations.AddIndex(
            model_name='membership',
            index=models.Index(fields=['circle', 'id'], name='membership_of_circle'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('saved_kobo__gt', -9007199254740992), ('saved_kobo__lt', 9007199254740992)), name='membership_sum_exact_in_redis'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(condition=models.Q(('left_at__isnull', True)), fields=('circle', 'user'), name='membership_once_per_circle'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(models.F('circle'), django.db.models.functions.text.Lower('nickname'), condition=models.Q(('left_at__isnull', True)), name='nickname_once_per_circle'),
        ),
    ]
