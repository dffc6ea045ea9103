-- A family takes no more out of suspense than came in for it.
SELECT 'transaction ' || first.reference, SUM(CASE WHEN d.kind = 'suspense' THEN e.amount_kobo ELSE 0 END) || ' out',
    'at most ' || SUM(CASE WHEN c.kind = 'suspense' THEN e.amount_kobo ELSE 0 END)
FROM savings_entry e
JOIN savings_account d ON d.id = e.debit_account_id
JOIN savings_account c ON c.id = e.credit_account_id
JOIN savings_transaction t ON t.id = e.transaction_id
JOIN savings_transaction first ON first.id = COALESCE(t.part_of_id, t.id)
WHERE d.kind = 'suspense' OR c.kind = 'suspense'
GROUP BY first.id, first.reference
HAVING SUM(CASE WHEN d.kind = 'suspense' THEN e.amount_kobo ELSE 0 END)
    > SUM(CASE WHEN c.kind = 'suspense' THEN e.amount_kobo ELSE 0 END)
ORDER BY first.id
