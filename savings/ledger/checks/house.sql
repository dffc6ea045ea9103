-- No entry stores a balance for a house account.
WITH legs AS ({legs})
SELECT 'entry ' || l.id || ' at account ' || l.account_id, l.balance_kobo, NULL
FROM legs l JOIN savings_account a ON a.id = l.account_id
WHERE a.kind NOT IN {customers} AND l.balance_kobo IS NOT NULL
ORDER BY l.id
