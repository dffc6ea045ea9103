"""Rewords names, labels and choices that staff and savers read. No table changes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0052_goals_reached'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='boardday',
            options={'verbose_name': 'leaderboard of a day', 'verbose_name_plural': 'leaderboards by day'},
        ),
        migrations.AlterModelOptions(
            name='coverageday',
            options={'verbose_name': 'daily coverage', 'verbose_name_plural': 'daily coverage'},
        ),
        migrations.AlterModelOptions(
            name='digestline',
            options={'verbose_name': 'line of a weekly mail', 'verbose_name_plural': 'lines of weekly mails'},
        ),
        migrations.AlterModelOptions(
            name='toldplaces',
            options={'verbose_name': 'ranks at the last mail', 'verbose_name_plural': 'ranks at the last mail'},
        ),
        migrations.AlterModelOptions(
            name='usedtotpstep',
            options={'verbose_name': 'used authenticator code'},
        ),
        migrations.AlterField(
            model_name='circle',
            name='early_exit',
            field=models.CharField(choices=[('free', 'Any time'), ('penalty', 'With a penalty'), ('forfeit', 'Without the interest on that amount'), ('blocked', 'Not before maturity')], db_default='free', default='free', max_length=10),
        ),
        migrations.AlterField(
            model_name='circle',
            name='joining',
            field=models.CharField(choices=[('open', 'Public: anyone can find and join'), ('invitation', 'Invite only'), ('closed', 'Closed to new members')], default='invitation', max_length=10),
        ),
        migrations.AlterField(
            model_name='circleevent',
            name='kind',
            field=models.CharField(choices=[('started', 'started the circle'), ('joined', 'joined'), ('saved', 'saved'), ('left', 'left'), ('removed', 'was removed'), ('handed_over', 'now runs the circle'), ('won', 'came first'), ('goal', 'reached their own goal')], max_length=12),
        ),
        migrations.AlterField(
            model_name='closedmonth',
            name='digest',
            field=models.CharField(max_length=64, verbose_name='hash'),
        ),
        migrations.AlterField(
            model_name='closedmonth',
            name='month_on',
            field=models.DateField(unique=True, verbose_name='month'),
        ),
        migrations.AlterField(
            model_name='coverageday',
            name='day_on',
            field=models.DateField(unique=True, verbose_name='day'),
        ),
        migrations.AlterField(
            model_name='digestline',
            name='place',
            field=models.IntegerField(null=True, verbose_name='rank'),
        ),
        migrations.AlterField(
            model_name='digestline',
            name='place_before',
            field=models.IntegerField(null=True, verbose_name='rank before'),
        ),
        migrations.AlterField(
            model_name='entry',
            name='value_on',
            field=models.DateField(blank=True, null=True, verbose_name='value date'),
        ),
        migrations.AlterField(
            model_name='manualposting',
            name='period_on',
            field=models.DateField(blank=True, null=True, verbose_name='month of the remittance'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='status',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Moved to the stash'), ('cancelled', 'Cancelled'), ('ended', 'Plan or term ended first'), ('refused', 'Plan was empty')], default='waiting', max_length=10),
        ),
        migrations.AlterField(
            model_name='payout',
            name='state',
            field=models.CharField(choices=[('waiting', 'Waits to be sent'), ('approval', 'Waits for approval'), ('sent', 'With the provider'), ('paid', 'Paid'), ('returned', 'Returned'), ('cancelled', 'Cancelled'), ('came_back', 'Came back after it was paid')], default='waiting', max_length=10),
        ),
        migrations.AlterField(
            model_name='plan',
            name='early_exit',
            field=models.CharField(choices=[('free', 'Any time'), ('penalty', 'With a penalty'), ('forfeit', 'Without the interest on that amount'), ('blocked', 'Not before maturity')], max_length=10),
        ),
        migrations.AlterField(
            model_name='product',
            name='early_exit',
            field=models.CharField(choices=[('free', 'Any time'), ('penalty', 'With a penalty'), ('forfeit', 'Without the interest on that amount'), ('blocked', 'Not before maturity')], default='free', max_length=10),
        ),
        migrations.AlterField(
            model_name='statementsubscription',
            name='next_month',
            field=models.DateField(verbose_name='month of the next statement'),
        ),
        migrations.AlterField(
            model_name='taxrate',
            name='from_on',
            field=models.DateField(unique=True, verbose_name='first day'),
        ),
        migrations.AlterField(
            model_name='user',
            name='wants_goal_reached',
            field=models.BooleanField(db_default=True, default=True, verbose_name='email when a plan reaches its goal'),
        ),
        migrations.AlterField(
            model_name='user',
            name='wants_rank_changes',
            field=models.BooleanField(db_default=True, default=True, verbose_name='email when a rank in a circle changes'),
        ),
        migrations.AlterField(
            model_name='user',
            name='wants_receipts',
            field=models.BooleanField(default=True, verbose_name='email for each top-up'),
        ),
        migrations.AlterField(
            model_name='user',
            name='wants_weekly_digest',
            field=models.BooleanField(db_default=True, default=True, verbose_name='email about circles on Mondays'),
        ),
    ]
