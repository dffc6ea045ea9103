-- An entry stands between accounts that exist, and a customer's is the account of the transaction's user and plan.
WITH legs AS ({legs})
SELECT 'entry ' || l.id || ' at account ' || l.account_id,
    CASE
        WHEN t.id IS NULL THEN 'no transaction ' || l.transaction_id
        WHEN a.id IS NULL THEN 'no such account'
        ELSE 'user ' || a.user_id || COALESCE(' and plan ' || a.plan_id, '')
    END,
    CASE
        WHEN t.id IS NULL OR a.id IS NULL THEN 'one'
        ELSE COALESCE('user ' || t.user_id, 'no user') || COALESCE(' and plan ' || t.plan_id, '')
    END
FROM legs l
LEFT JOIN savings_transaction t ON t.id = l.transaction_id
LEFT JOIN savings_account a ON a.id = l.account_id
WHERE t.id IS NULL OR a.id IS NULL OR a.kind IN {customers} AND (
    a.user_id <> COALESCE(t.user_id, -1) OR a.kind = 'plan' AND a.plan_id <> COALESCE(t.plan_id, -1)
)
ORDER BY l.id
