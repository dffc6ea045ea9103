-- Two different people of the staff are behind each posting by hand: refunds, write-offs, goodwill, corrections of
-- interest that are no part of a refund or chargeback, money credited from suspense, and treasury postings. Not behind what the provider reports (settlements, and what it takes from the balance), nor behind
-- the interest accrued at the end of a month.
SELECT t.kind || ' ' || t.reference,
    CASE WHEN m.id IS NULL THEN 'no people' ELSE 'user ' || m.asked_by_id || ' and user ' || m.approved_by_id END,
    'two different people'
FROM savings_transaction t
JOIN savings_entry e ON e.transaction_id = t.id AND e.code IN ('primary', 'hold')
JOIN savings_account d ON d.id = e.debit_account_id
JOIN savings_account c ON c.id = e.credit_account_id
LEFT JOIN savings_manualposting m ON m.transaction_id = t.id
LEFT JOIN savings_settlement s ON s.transaction_id = t.id
WHERE (m.id IS NULL OR m.asked_by_id = m.approved_by_id) AND (
    t.kind = 'write_off'
    OR t.kind = 'adjustment' AND 'goodwill' IN (d.kind, c.kind)
    OR t.kind = 'interest_correction' AND t.part_of_id IS NULL
    OR t.kind = 'refund' AND e.code = 'hold'
    OR t.kind IN ('top_up', 'stash_deposit') AND t.part_of_id IS NOT NULL AND d.kind = 'suspense'
    OR t.kind = 'treasury' AND s.id IS NULL AND d.kind NOT IN ('interest_expense', 'interest_payable')
        AND NOT (d.kind = 'clearing' AND c.kind = 'provider_balance')
)
ORDER BY t.id
