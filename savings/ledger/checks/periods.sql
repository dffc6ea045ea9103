-- The sums of a closed month are those of its entries, each opening balance is the closing balance of the month before,
-- and no entry was posted into the month afterwards.
WITH months AS (
    SELECT id, month_on, ends_at, last_entry_id, LAG(ends_at) OVER (ORDER BY month_on) AS begins_at
    FROM savings_closedmonth
),
stored AS ({closed_lines}),
pairs AS MATERIALIZED (
    SELECT m.month_on, m.last_entry_id, e.debit_account_id, e.credit_account_id, SUM(e.amount_kobo) AS kobo,
        MAX(e.id) AS newest
    FROM savings_entry e
    JOIN months m ON e.posted_at < m.ends_at AND (m.begins_at IS NULL OR e.posted_at >= m.begins_at)
    GROUP BY m.month_on, m.last_entry_id, e.debit_account_id, e.credit_account_id
),
sides AS (
    SELECT month_on, debit_account_id AS account_id, kobo AS debits, 0 AS credits FROM pairs
    UNION ALL
    SELECT month_on, credit_account_id, 0, kobo FROM pairs
),
lines AS (
    SELECT s.month_on,
        TRIM(a.kind || ' ' || CASE WHEN a.kind = 'plan' THEN '' || p.product_id ELSE a.provider END) AS line_key,
        s.debits, s.credits
    FROM sides s JOIN savings_account a ON a.id = s.account_id LEFT JOIN savings_plan p ON p.id = a.plan_id
),
compared AS (
    SELECT month_on, line_key, debits, credits FROM stored
    UNION ALL
    SELECT month_on, line_key, -debits, -credits FROM lines
),
balances AS (
    SELECT month_on, line_key, opening, opening + debits - credits AS upward, opening - debits + credits AS downward,
        closing, LAG(closing, 1, 0) OVER (PARTITION BY line_key ORDER BY month_on) AS closed_before
    FROM stored
)
SELECT line_key || ' of ' || month_on, SUM(debits) || ' more debits and ' || SUM(credits) || ' more credits stored',
    'the sums of its entries'
FROM compared GROUP BY month_on, line_key HAVING SUM(debits) <> 0 OR SUM(credits) <> 0
UNION ALL
SELECT line_key || ' of ' || month_on, 'from ' || opening || ' to ' || closing,
    'from ' || closed_before || ' by its debits and credits'
FROM balances
WHERE opening <> closed_before
    OR closing <> CASE WHEN {is_debit_line} THEN upward ELSE downward END
UNION ALL
SELECT 'entry ' || newest, 'posted into ' || month_on, 'not in a closed month'
FROM pairs WHERE newest > last_entry_id
ORDER BY 1
