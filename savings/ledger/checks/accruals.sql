-- A plan's unposted interest is the sum over its entries of amount x rate x days, from the value day of the entry to the
-- day up to which the account accrues, less the interest posted and the interest forfeited. No account has accrued
-- beyond today, its newest entry or the first day of a new rate.
WITH legs AS ({legs}),
periods AS (
    SELECT account_id, rate_bps, from_day,
        LEAD(from_day, 1, {end_of_time}) OVER (PARTITION BY account_id ORDER BY from_day) AS until_day
    FROM savings_rateperiod
    UNION ALL
    -- Opened by the release before rate periods.
    SELECT a.id, a.rate_bps, 0, {end_of_time} FROM savings_account a
    WHERE a.kind = 'plan' AND NOT EXISTS (SELECT 1 FROM savings_rateperiod r WHERE r.account_id = a.id)
),
-- Materialised, so that PostgreSQL hashes these few rows and not the entries.
rates AS MATERIALIZED (
    SELECT a.id, a.accrued_to, p.rate_bps, p.from_day, p.until_day
    FROM savings_account a JOIN periods p ON p.account_id = a.id
    WHERE a.kind = 'plan'
),
earned AS (
    SELECT r.id, MAX({value_day}) AS last_day, SUM(l.change * r.rate_bps * {greatest}(0,
        {least}(r.accrued_to, r.until_day) - {greatest}({value_day}, r.from_day))) AS numerator
    FROM rates r JOIN legs l ON l.account_id = r.id
    GROUP BY r.id
),
paid AS (
    -- A correction that takes interest back debits the saver or what they owe.
    SELECT t.plan_id, SUM(CASE WHEN d.kind = 'interest_expense' THEN e.amount_kobo ELSE -e.amount_kobo END) AS kobo
    FROM savings_transaction t
    JOIN savings_entry e ON e.transaction_id = t.id AND e.code = 'primary'
    JOIN savings_account d ON d.id = e.debit_account_id
    WHERE t.kind IN ('interest', 'interest_correction') AND t.status = 'success' AND t.plan_id IS NOT NULL
    GROUP BY t.plan_id
),
forfeited AS (
    SELECT account_id, SUM(numerator) AS numerator FROM savings_forfeitedinterest GROUP BY account_id
),
begun AS (
    SELECT account_id, MAX(from_day) AS last_day FROM savings_rateperiod GROUP BY account_id
),
compared AS (
    SELECT a.id, a.accrued_numerator, a.accrued_to,
        COALESCE(e.numerator, 0) - COALESCE(i.kobo, 0) * {per_kobo} - COALESCE(f.numerator, 0) AS numerator,
        CASE WHEN a.kind = 'plan' THEN {greatest}({today}, COALESCE(b.last_day, 0), COALESCE(e.last_day, 0))
            ELSE a.accrued_to END AS latest_day
    FROM savings_account a
    LEFT JOIN earned e ON e.id = a.id
    LEFT JOIN forfeited f ON f.account_id = a.id
    LEFT JOIN begun b ON b.account_id = a.id
    LEFT JOIN paid i ON i.plan_id = a.plan_id
)
SELECT 'account ' || id,
    'a numerator of ' || accrued_numerator || ' on day ' || accrued_to,
    numerator || ' on a day up to ' || latest_day
FROM compared
WHERE accrued_numerator <> numerator OR accrued_to > latest_day
ORDER BY id
