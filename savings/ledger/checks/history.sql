-- A customer's account was never below zero after an entry, and each entry stores the account's balance after it.
WITH legs AS ({legs}),
history AS (
    SELECT l.id, l.account_id, l.balance_kobo,
        SUM(l.change) OVER (PARTITION BY l.account_id ORDER BY l.id ROWS UNBOUNDED PRECEDING) AS total
    FROM legs l JOIN savings_account a ON a.id = l.account_id
    WHERE a.kind IN {customers}
)
SELECT 'entry ' || id || ' at account ' || account_id,
    CASE WHEN total < 0 THEN total ELSE balance_kobo END,
    CASE WHEN total < 0 THEN 0 ELSE total END
FROM history
WHERE total < 0 OR COALESCE(balance_kobo, -1) <> total
ORDER BY id
