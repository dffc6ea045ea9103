-- The cost of a payment is one entry: the provider's fee, less the surplus over the booked sum, which paid for the fee.
-- A fee that is not known yet has no cost, nor has a fee above the payment, at which staff look.
WITH compared AS (
    SELECT t.id, t.reference, COALESCE(cost.amount_kobo, 0) AS kobo,
        CASE WHEN p.fee_kobo <= p.paid_kobo THEN p.fee_kobo - (p.paid_kobo - booked.amount_kobo) ELSE 0 END AS due_kobo
    FROM savings_payment p
    JOIN savings_transaction t ON t.id = p.transaction_id
    JOIN savings_entry booked ON booked.transaction_id = t.id AND booked.code IN ('primary', 'suspense')
    JOIN savings_account d ON d.id = booked.debit_account_id AND d.kind = 'clearing'
    LEFT JOIN savings_entry cost ON cost.transaction_id = t.id AND cost.code = 'cost'
)
SELECT 'payment ' || reference, 'a cost of ' || kobo, due_kobo FROM compared WHERE kobo <> due_kobo ORDER BY id
