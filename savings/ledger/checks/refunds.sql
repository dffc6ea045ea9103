-- No more of a payment goes back than was paid: its refunds that have not failed and its chargebacks, also those of the
-- parts that released its money from suspense. A credited payment of which all went back is reversed.
WITH back AS (
    SELECT t.id, t.refunds_id, COALESCE(p.part_of_id, p.id) AS payment_id, t.kind, t.status, t.amount_kobo
    FROM savings_transaction t JOIN savings_transaction p ON p.id = t.refunds_id
    WHERE t.status NOT IN ('failed', 'abandoned')
),
gone AS (SELECT payment_id, SUM(amount_kobo) AS kobo FROM back GROUP BY payment_id),
paid AS (
    SELECT e.transaction_id AS payment_id, SUM(e.amount_kobo) AS kobo
    FROM savings_entry e JOIN savings_account d ON d.id = e.debit_account_id
    WHERE e.code IN ('primary', 'suspense') AND d.kind = 'clearing'
        AND e.transaction_id IN (SELECT payment_id FROM gone)
    GROUP BY e.transaction_id
),
given_back AS (
    SELECT refunds_id, SUM(amount_kobo) AS kobo FROM back WHERE status = 'success' GROUP BY refunds_id
),
refunds_due AS (
    SELECT COALESCE(SUM(CASE WHEN c.kind = 'refunds_due' THEN e.amount_kobo ELSE -e.amount_kobo END), 0) AS kobo
    FROM savings_entry e
    JOIN savings_account d ON d.id = e.debit_account_id
    JOIN savings_account c ON c.id = e.credit_account_id
    WHERE d.kind = 'refunds_due' OR c.kind = 'refunds_due'
),
on_their_way AS (
    SELECT COALESCE(SUM(amount_kobo), 0) AS kobo FROM savings_transaction
    WHERE kind = 'refund' AND status IN ('pending', 'review')
)
SELECT 'payment ' || t.reference, g.kobo || ' gone back', 'at most ' || COALESCE(y.paid_kobo, paid.kobo, 0)
FROM gone g
JOIN savings_transaction t ON t.id = g.payment_id
LEFT JOIN savings_payment y ON y.transaction_id = t.id
LEFT JOIN paid ON paid.payment_id = t.id
WHERE g.kobo > COALESCE(y.paid_kobo, paid.kobo, 0)
UNION ALL
SELECT 'transaction ' || t.reference, t.status || ' with ' || g.kobo || ' given back', 'reversed'
FROM given_back g JOIN savings_transaction t ON t.id = g.refunds_id
WHERE t.status = 'success' AND g.kobo >= t.amount_kobo
UNION ALL
SELECT 'transaction ' || t.reference, t.kind || ' of ' || COALESCE(p.reference, 'nothing'), 'a refund or chargeback, of a payment'
FROM savings_transaction t LEFT JOIN savings_transaction p ON p.id = t.refunds_id
WHERE (t.kind IN ('refund', 'chargeback')) <> (p.id IS NOT NULL)
    OR p.kind NOT IN ('top_up', 'stash_deposit', 'autosave', 'adjustment')
UNION ALL
SELECT 'refunds due', d.kobo || '', w.kobo || '' FROM refunds_due d, on_their_way w WHERE d.kobo <> w.kobo
UNION ALL
-- The refund at the provider is one of this payment, and has the provider's number once it is made.
SELECT 'refund ' || t.reference, t.kind || COALESCE(' at the provider ' || r.provider_id, ' without a number'),
    'a refund of payment ' || y.id
FROM savings_refund r
JOIN savings_transaction t ON t.id = r.transaction_id
JOIN savings_payment y ON y.id = r.payment_id
LEFT JOIN savings_transaction p ON p.id = t.refunds_id
WHERE t.kind <> 'refund' OR COALESCE(p.part_of_id, p.id, -1) <> y.transaction_id
    OR t.status = 'success' AND r.provider_id IS NULL
ORDER BY 1
