-- The net of a settlement is the sum of its payments, less their fees and the deductions, and is booked once. A payment
-- in a settlement changed clearing by its amount less its fee: the rest in clearing is not settled yet.
WITH paid AS (
    SELECT settlement_id, SUM(COALESCE(paid_kobo, 0)) AS gross, SUM(COALESCE(fee_kobo, 0)) AS fees
    FROM savings_payment WHERE settlement_id IS NOT NULL GROUP BY settlement_id
),
collected AS (
    SELECT e.transaction_id, SUM(CASE WHEN d.kind = 'clearing' THEN e.amount_kobo ELSE -e.amount_kobo END) AS kobo
    FROM savings_payment p
    JOIN savings_entry e ON e.transaction_id = p.transaction_id
    JOIN savings_account d ON d.id = e.debit_account_id
    JOIN savings_account c ON c.id = e.credit_account_id
    WHERE p.settlement_id IS NOT NULL AND (d.kind = 'clearing' OR c.kind = 'clearing')
    GROUP BY e.transaction_id
)
SELECT 'settlement ' || s.provider_id,
    s.gross_kobo || ' less ' || s.fees_kobo || ' and ' || s.deductions_kobo || ', booked '
        || COALESCE(t.status || ' ' || t.amount_kobo, '0'),
    COALESCE(paid.gross, 0) || ' less ' || COALESCE(paid.fees, 0) || ', and the rest booked as success'
FROM savings_settlement s
LEFT JOIN paid ON paid.settlement_id = s.id
LEFT JOIN savings_transaction t ON t.id = s.transaction_id
WHERE s.gross_kobo <> COALESCE(paid.gross, 0) OR s.fees_kobo <> COALESCE(paid.fees, 0)
    OR s.gross_kobo - s.fees_kobo - s.deductions_kobo <> COALESCE(t.amount_kobo, 0)
    OR t.id IS NOT NULL AND (t.status <> 'success' OR t.kind <> 'treasury')
UNION ALL
SELECT 'payment ' || p.provider_id || ' of settlement ' || s.provider_id, COALESCE(collected.kobo, 0) || ' in clearing',
    COALESCE(p.paid_kobo, 0) - COALESCE(p.fee_kobo, 0) || ''
FROM savings_payment p
JOIN savings_settlement s ON s.id = p.settlement_id
LEFT JOIN collected ON collected.transaction_id = p.transaction_id
WHERE COALESCE(collected.kobo, 0) <> COALESCE(p.paid_kobo, 0) - COALESCE(p.fee_kobo, 0)
ORDER BY 1
