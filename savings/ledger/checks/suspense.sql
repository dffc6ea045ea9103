-- A payment takes no more out of suspense than came in for it: with the parts that released its money to somebody, its
-- refunds, and what its chargebacks took.
WITH moved AS (
    SELECT COALESCE(paid.part_of_id, paid.id, family.id) AS payment_id,
        CASE WHEN d.kind = 'suspense' THEN e.amount_kobo ELSE 0 END AS taken_out,
        CASE WHEN c.kind = 'suspense' THEN e.amount_kobo ELSE 0 END AS put_in
    FROM savings_entry e
    JOIN savings_account d ON d.id = e.debit_account_id
    JOIN savings_account c ON c.id = e.credit_account_id
    JOIN savings_transaction t ON t.id = e.transaction_id
    JOIN savings_transaction family ON family.id = COALESCE(t.part_of_id, t.id)
    LEFT JOIN savings_transaction paid ON paid.id = COALESCE(t.refunds_id, family.refunds_id)
    WHERE d.kind = 'suspense' OR c.kind = 'suspense'
)
SELECT 'transaction ' || p.reference, SUM(m.taken_out) || ' out', 'at most ' || SUM(m.put_in)
FROM moved m JOIN savings_transaction p ON p.id = m.payment_id
GROUP BY p.id, p.reference HAVING SUM(m.taken_out) > SUM(m.put_in)
ORDER BY p.id
