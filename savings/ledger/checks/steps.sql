-- Steps other than the primary posting occur only where they belong. A hold and its release belong to a withdrawal, for
-- its full amount, between its owner's two accounts. Suspense belongs to incoming money that differed from the request.
SELECT 'entry ' || e.id, e.code || ' from ' || d.kind || ' to ' || c.kind || ' of a ' || t.status || ' ' || t.kind,
    'a step that belongs there'
FROM savings_entry e
JOIN savings_transaction t ON t.id = e.transaction_id
JOIN savings_account d ON d.id = e.debit_account_id
JOIN savings_account c ON c.id = e.credit_account_id
LEFT JOIN savings_entry hold ON hold.transaction_id = t.id AND hold.code = 'hold' AND hold.id < e.id
WHERE e.code <> 'primary' AND NOT (
    e.code = 'hold' AND t.kind = 'stash_withdrawal' AND e.amount_kobo = t.amount_kobo
        AND d.kind = 'stash' AND c.kind = 'hold'
    OR e.code = 'release' AND t.kind = 'stash_withdrawal' AND e.amount_kobo = t.amount_kobo
        AND d.kind = 'hold' AND c.kind = 'stash' AND t.status IN ('failed', 'abandoned') AND hold.id IS NOT NULL
    OR e.code = 'suspense' AND t.kind IN ('top_up', 'stash_deposit', 'autosave', 'adjustment')
        AND d.kind = 'clearing' AND c.kind = 'suspense' AND t.status <> 'pending'
)
ORDER BY e.id
