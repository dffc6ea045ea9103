-- Both accounts of an entry exist, and a customer's account belongs to the transaction's user and plan.
SELECT 'entry ' || e.id,
    CASE
        WHEN t.id IS NULL THEN 'no transaction ' || e.transaction_id
        WHEN d.id IS NULL THEN 'no account ' || e.debit_account_id
        WHEN c.id IS NULL THEN 'no account ' || e.credit_account_id
        ELSE 'accounts of user ' || COALESCE(d.user_id, c.user_id) || COALESCE(' and ' || c.user_id, '')
            || COALESCE(', plan ' || COALESCE(d.plan_id, c.plan_id), '')
    END,
    CASE
        WHEN t.id IS NULL OR d.id IS NULL OR c.id IS NULL THEN 'one'
        ELSE COALESCE('accounts of user ' || t.user_id, 'no user''s') || COALESCE(', plan ' || t.plan_id, '')
    END
FROM savings_entry e
LEFT JOIN savings_transaction t ON t.id = e.transaction_id
LEFT JOIN savings_account d ON d.id = e.debit_account_id
LEFT JOIN savings_account c ON c.id = e.credit_account_id
WHERE t.id IS NULL OR d.id IS NULL OR c.id IS NULL
    OR COALESCE(d.user_id, t.user_id, 0) <> COALESCE(t.user_id, 0)
    OR COALESCE(c.user_id, t.user_id, 0) <> COALESCE(t.user_id, 0)
    OR COALESCE(d.plan_id, t.plan_id, 0) <> COALESCE(t.plan_id, 0)
    OR COALESCE(c.plan_id, t.plan_id, 0) <> COALESCE(t.plan_id, 0)
ORDER BY e.id
