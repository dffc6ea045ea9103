-- The stored balance of a customer's account is the sum of its entries; a house account stores no balance.
WITH legs AS ({legs}),
sums AS (SELECT account_id, SUM(change) AS total FROM legs GROUP BY account_id)
SELECT 'account ' || a.id, a.balance_kobo, CASE WHEN a.kind IN {customers} THEN COALESCE(s.total, 0) END
FROM savings_account a LEFT JOIN sums s ON s.account_id = a.id
WHERE COALESCE(a.balance_kobo, -1) <> CASE WHEN a.kind IN {customers} THEN COALESCE(s.total, 0) ELSE -1 END
ORDER BY a.id
