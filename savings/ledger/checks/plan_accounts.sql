-- Each plan has one account with the plan's owner, rate and last day of interest; a closed plan is empty.
SELECT 'plan ' || p.id,
    CASE
        WHEN a.id IS NULL THEN 'no account'
        ELSE 'account ' || a.id || ' of user ' || a.user_id || ' at ' || a.rate_bps || ' bps until day '
            || a.accrues_until || ' with ' || a.balance_kobo
    END,
    'one of user ' || p.user_id || ' at ' || p.rate_bps || ' bps until '
        || CASE WHEN p.at_maturity = 'rollover' THEN 'for ever' ELSE COALESCE('' || p.matures_on, 'for ever') END
        || CASE WHEN p.closed_at IS NULL THEN '' ELSE ' with 0' END
FROM savings_plan p LEFT JOIN savings_account a ON a.plan_id = p.id
WHERE a.id IS NULL OR a.kind <> 'plan' OR a.user_id <> p.user_id OR a.rate_bps <> p.rate_bps
    OR a.accrues_until <> CASE
        WHEN p.matures_on IS NULL OR p.at_maturity = 'rollover' THEN {end_of_time} ELSE {day_of_maturity}
    END
    OR p.closed_at IS NOT NULL AND a.balance_kobo <> 0
ORDER BY p.id
