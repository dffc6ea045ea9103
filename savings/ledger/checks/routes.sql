-- The primary posting of each kind of transaction debits and credits the right kinds of account. Money that was in
-- suspense comes from suspense (to repay a chargeback, see suspense.sql); a card payment into a plan is credited to the plan.
SELECT 'entry ' || e.id, 'from ' || d.kind || ' to ' || c.kind, 'a way for a ' || t.kind
FROM savings_entry e
JOIN savings_transaction t ON t.id = e.transaction_id
JOIN savings_account d ON d.id = e.debit_account_id
JOIN savings_account c ON c.id = e.credit_account_id
LEFT JOIN savings_entry waited ON waited.transaction_id = COALESCE(t.part_of_id, t.id) AND waited.code = 'suspense'
WHERE e.code = 'primary' AND t.kind <> 'reversal' AND (
    (t.kind, d.kind, c.kind) NOT IN (VALUES {routes})
    OR waited.id IS NOT NULL AND d.kind <> 'suspense' AND t.kind <> 'refund'
    OR waited.id IS NULL AND d.kind = 'suspense' AND t.kind <> 'repayment'
    OR t.kind = 'top_up' AND c.kind = 'stash' AND t.plan_id IS NOT NULL
)
ORDER BY e.id
