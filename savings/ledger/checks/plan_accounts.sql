-- Each plan has one account with the plan's owner, rate and last day of interest; a closed plan is empty. The first rate
-- period has the plan's rate, or 0 where interest was off, and the account has the rate of the newest one. An open plan
-- earns nothing while its owner has switched interest off, for it or for all plans.
WITH first_and_last AS (
    SELECT account_id, MIN(from_day) AS first_day, MAX(from_day) AS last_day FROM savings_rateperiod GROUP BY account_id
),
settings AS (
    SELECT p.id AS plan_id, p.at_maturity IN ('rollover', 'compound') AS starts_again,
        p.closed_at IS NULL AND NOT (p.earns_interest AND u.earns_interest) AS is_off
    FROM savings_plan p JOIN savings_user u ON u.id = p.user_id
),
accounts AS (
    SELECT a.*, COALESCE(newest.rate_bps, a.rate_bps) AS newest_bps, COALESCE(oldest.rate_bps, a.rate_bps) AS oldest_bps
    FROM savings_account a
    LEFT JOIN first_and_last f ON f.account_id = a.id
    LEFT JOIN savings_rateperiod newest ON newest.account_id = a.id AND newest.from_day = f.last_day
    LEFT JOIN savings_rateperiod oldest ON oldest.account_id = a.id AND oldest.from_day = f.first_day
)
SELECT 'plan ' || p.id,
    CASE
        WHEN a.id IS NULL THEN 'no account'
        ELSE 'account ' || a.id || ' of user ' || a.user_id || ' at ' || a.rate_bps || ' bps until day '
            || a.accrues_until || ' with ' || a.balance_kobo
    END,
    'one of user ' || p.user_id || ' at ' || CASE WHEN s.is_off THEN 0 ELSE COALESCE(a.newest_bps, p.rate_bps) END
        || ' bps until '
        || CASE WHEN s.starts_again THEN 'for ever' ELSE COALESCE('' || p.matures_on, 'for ever') END
        || CASE WHEN p.closed_at IS NULL THEN '' ELSE ' with 0' END
FROM savings_plan p
JOIN settings s ON s.plan_id = p.id
LEFT JOIN accounts a ON a.plan_id = p.id
WHERE a.id IS NULL OR a.kind <> 'plan' OR a.user_id <> p.user_id
    OR a.rate_bps <> a.newest_bps OR a.oldest_bps NOT IN (p.rate_bps, 0)
    OR s.is_off AND a.newest_bps <> 0
    OR a.accrues_until <> CASE
        WHEN p.matures_on IS NULL OR s.starts_again THEN {end_of_time} ELSE {day_of_maturity}
    END
    OR p.closed_at IS NOT NULL AND a.balance_kobo <> 0
ORDER BY p.id
