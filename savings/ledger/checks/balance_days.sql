-- The newest stored balances of a day are the sums of the entries posted up to its end.
WITH newest AS (SELECT MAX(day_on) AS day_on FROM savings_balanceday),
legs AS ({legs}),
sums AS (
    SELECT COALESCE(p.product_id, 0) AS part, SUM(l.change) AS kobo
    FROM legs l
    JOIN savings_account a ON a.id = l.account_id LEFT JOIN savings_plan p ON p.id = a.plan_id
    CROSS JOIN newest n
    WHERE a.kind IN ('stash', 'plan') AND {day_of_entry} <= {day_of_balances}
    GROUP BY 1
),
compared AS (
    SELECT COALESCE(b.product_id, 0) AS part, b.balance_kobo AS stored, 0 AS kobo
    FROM savings_balanceday b JOIN newest n ON n.day_on = b.day_on
    UNION ALL
    SELECT part, 0, kobo FROM sums
)
SELECT CASE WHEN part = 0 THEN 'the stashes' ELSE 'product ' || part END || ' on ' || day_on, SUM(stored), SUM(kobo)
FROM compared CROSS JOIN newest
GROUP BY part, day_on HAVING SUM(stored) <> SUM(kobo)
ORDER BY part
